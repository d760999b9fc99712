/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's last word, and the launch document. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kiln.h"
#include "run.h"
#include "start.h"

int kiln_failure = 1;

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0"; /* kiln run exits and frees nothing */
}

static struct ending end_of(const char *text, size_t piece)
{
	struct status_reader s = {0};
	size_t len = strlen(text), n;

	for (size_t i = 0; i < len; i += n) {
		n = len - i < piece ? len - i : piece;
		status_feed(&s, text + i, n);
	}
	return s.ending;
}

START_TEST(status_last_word)
{
	static const struct {
		const char *text;
		enum outcome outcome;
		int value;
	} t[] = {{"kiln: exit 0\n", END_EXIT, 0}, {"kiln: exit 255\n", END_EXIT, 255},
	    {"kiln: signal 11\n", END_SIGNAL, 11}, {"kiln: signal 64\n", END_SIGNAL, 64},
	    {"kiln: panic\n", END_PANIC, 0}, {"noise\n\nkiln: exit 3\n", END_EXIT, 3},
	    {"kiln: exit 3\nkiln: panic\n", END_EXIT, 3}, {"kiln: exit 3", END_NONE, 0},
	    {"kiln: exit 256\n", END_NONE, 0}, {"kiln: exit -1\n", END_NONE, 0},
	    {"kiln: exit\n", END_NONE, 0}, {"kiln: exit \n", END_NONE, 0},
	    {"kiln: signal 0\n", END_NONE, 0}, {"kiln: signal 65\n", END_NONE, 0},
	    {" kiln: exit 3\n", END_NONE, 0}, {"kiln: panicking\n", END_NONE, 0}, {"", END_NONE, 0},
	    {"0123456789012345678901234567890123456789012345678901234567890123456789kiln: exit "
	     "1\nkiln: exit 2\n",
		END_EXIT, 2}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (size_t piece = 1; piece < 20; piece += 6) {
			struct ending e = end_of(t[i].text, piece);

			ck_assert_msg(
			    e.outcome == t[i].outcome && e.value == t[i].value, "%s", t[i].text);
		}
}
END_TEST

static const char *document(struct run *r)
{
	struct sbuf b = {0};

	r->dry_run = true;
	run_config(r, &b);
	return b.s;
}

START_TEST(document_says_only_what_was_asked)
{
	struct run r = {.platform = "hw", .net = NET_NONE, .status_fd = -1, .net_fd = -1};

	ck_assert_str_eq(document(&r), "{}");
	r.have_args = true;
	ck_assert_str_eq(document(&r), "{\"args\":[]}");
	strlist_add(&r.args, "-x");
	strlist_add(&r.args, "a \"b\"");
	strlist_add(&r.env, "K=a=b");
	ck_assert_str_eq(
	    document(&r), "{\"args\":[\"-x\",\"a \\\"b\\\"\"],\"env\":{\"K\":\"a=b\"}}");
}
END_TEST

START_TEST(document_network)
{
	struct run r = {.platform = "hw", .net = NET_USER, .status_fd = -1, .net_fd = -1};

	ck_assert_str_eq(document(&r),
	    "{\"net\":{\"if\":[{\"mode\":\"static\",\"address\":\"10.0.2.15/24\","
	    "\"gateway\":\"10.0.2.2\",\"dns\":[\"10.0.2.3\"]}]}}");
	r.dhcp = true;
	ck_assert_str_eq(document(&r), "{\"net\":{\"if\":[{\"mode\":\"dhcp\"}]}}");
	r = (struct run){
	    .platform = "hw", .net = NET_TAP, .ip = "192.0.2.2/24", .status_fd = -1, .net_fd = -1};
	ck_assert_str_eq(document(&r),
	    "{\"net\":{\"if\":[{\"mode\":\"static\",\"address\":\"192.0.2.2/24\"}]}}");
}
END_TEST

START_TEST(document_hosted)
{
	struct run r = {.platform = "hosted",
	    .net = NET_NONE,
	    .memory = 1 << 20,
	    .cpus = 2,
	    .status_fd = 5,
	    .net_fd = 6};

	ck_assert_str_eq(document(&r),
	    "{\"hosted\":{\"memory\":1048576,\"cpus\":2,\"statusfd\":5,\"netfd\":6}}");
}
END_TEST

START_TEST(document_is_json_whatever_the_bytes)
{
	struct run r = {
	    .platform = "hw", .net = NET_NONE, .have_args = true, .status_fd = -1, .net_fd = -1};
	char s[3] = {0};
	const char *why, *doc;

	for (int c = 1; c < 256; c++) {
		s[0] = (char)c;
		s[1] = '"';
		strlist_add(&r.args, s);
	}
	doc = document(&r);
	ck_assert_uint_eq(json_count(json_get(json_parse(doc, strlen(doc), &why), "args")), 255);
}
END_TEST

/* Commands to start, as the configuration has them. */
static const struct {
	const char *commands, *json;
} good[] = {
    {"a", "[{\"name\":\"a\"}]"},
    {" a  b\tc\n", "[{\"name\":\"a\",\"args\":[\"b\",\"c\"]}]"},
    {"a;b", "[{\"name\":\"a\"},{\"name\":\"b\"}]"},
    {"a;", "[{\"name\":\"a\"}]"},
    {"a&", "[{\"name\":\"a\",\"then\":\"&\"}]"},
    {"a | b", "[{\"name\":\"a\",\"then\":\"|\"},{\"name\":\"b\"}]"},
    {"a '' \"x y\" 'p\"q' r\\;s", "[{\"name\":\"a\",\"args\":[\"\",\"x y\",\"p\\\"q\",\"r;s\"]}]"},
    {"X=1 X=2 Y= a Z=3", "[{\"name\":\"a\",\"args\":[\"Z=3\"],\"env\":{\"X\":\"2\",\"Y\":\"\"}}]"},
    {"/bin/a=b c", "[{\"name\":\"/bin/a=b\",\"args\":[\"c\"]}]"},
};

START_TEST(start_commands)
{
	struct sbuf json = {0};

	start_json("--start", good[_i].commands, &json);
	ck_assert_str_eq(json.s, good[_i].json);
}
END_TEST

static const char *const bad[] = {
    "", " ", ";", "&", "|", "a |", "a | ;", "a;;b", "| a", "a 'b", "a \"b", "X=1", "X=1 ; a"};

START_TEST(start_commands_bad)
{
	struct sbuf json = {0};

	start_json("--start", bad[_i], &json);
	exit(0); /* not refused */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("launch");
	TCase *t = tcase_create("launch");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, status_last_word);
	tcase_add_test(t, document_says_only_what_was_asked);
	tcase_add_test(t, document_network);
	tcase_add_test(t, document_hosted);
	tcase_add_test(t, document_is_json_whatever_the_bytes);
	tcase_add_loop_test(t, start_commands, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_exit_test(t, start_commands_bad, 1, 0, sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
