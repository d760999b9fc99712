/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON of the command kiln: what is written is read back, and nonsense is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kiln.h"
#include "util.h"

int kiln_failure = 1;

/* The program ends right after a test: what json keeps to the end is no leak. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static struct json parse(const char *text)
{
	const char *why = NULL;

	return json_parse(text, strlen(text), &why);
}

START_TEST(json_reads_values)
{
	struct json j = parse(
	    "{\"a\": [1, \"x\", {\"b\": 2}], \"n\": 18446744073709551615, \"t\": true, \"e\": {}}");
	struct json a = json_get(j, "a"), e;

	ck_assert(json_ok(j) && json_is_object(j));
	ck_assert_uint_eq(json_count(j), 4);
	ck_assert_uint_eq(json_count(a), 3);
	e = json_first(a);
	ck_assert_uint_eq(json_number(e, 0), 1);
	e = json_next(a, e);
	ck_assert_str_eq(json_string(e), "x");
	e = json_next(a, e);
	ck_assert_uint_eq(json_number(json_get(e, "b"), 0), 2);
	ck_assert(!json_ok(json_next(a, e)));
	ck_assert(json_number(json_get(j, "n"), 0) == UINT64_MAX);
	ck_assert_str_eq(json_string(json_get(j, "t")), "true");
	ck_assert(!json_ok(json_first(json_get(j, "e"))));
	ck_assert(!json_ok(json_get(j, "nosuch")));
	ck_assert(!json_ok(json_get(json_get(j, "nosuch"), "x")));
}
END_TEST

START_TEST(json_refuses_nonsense)
{
	for (const char **p =
		 (const char *[]){"", "   ", "{", "[1", "\"x", "{\"a\":\"\\u12\"}", "]", NULL};
	     *p != NULL; p++)
		ck_assert_msg(!json_ok(parse(*p)), "%s", *p);
}
END_TEST

START_TEST(json_unescapes)
{
	struct json j = parse(
	    "{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000\"}");

	ck_assert_str_eq(json_string(json_get(j, "s")),
	    "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd");
}
END_TEST

START_TEST(json_survives_a_round_trip)
{
	static const char *const t[] = {
	    "", "plain", "a\"b\\c", "\x01\x1f\x7f\n", "caf\xc3\xa9", "\xf0\x9f\x98\x80"};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sbuf b = {0};

		sbuf_puts(&b, "[");
		sbuf_json(&b, t[i]);
		sbuf_puts(&b, "]");
		ck_assert_str_eq(json_string(json_first(parse(b.s))), t[i]);
		sbuf_free(&b);
	}
}
END_TEST

START_TEST(json_writes_only_utf8)
{
	struct sbuf b = {0};

	sbuf_json(&b, "a\xff"
		      "b\xc3"
		      "\xe0\x80\x80"
		      "\xed\xa0\x80");
	ck_assert_str_eq(b.s, "\"a\\ufffdb\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
	sbuf_free(&b);
}
END_TEST

START_TEST(shell_quoting)
{
	struct sbuf b = {0};
	struct strlist l = {0};

	strlist_add(&l, "a-b_c.d/e=f");
	strlist_add(&l, "two words");
	strlist_add(&l, "it's");
	strlist_add(&l, "");
	strlist_shell(&l, &b);
	ck_assert_str_eq(b.s, "a-b_c.d/e=f 'two words' 'it'\\''s' ''");
	sbuf_free(&b);
}
END_TEST

START_TEST(digests)
{
	char hex[65];

	sha256_hex("abc", 3, hex); /* FIPS 180-2, B.1 */
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, json_reads_values);
	tcase_add_test(t, json_refuses_nonsense);
	tcase_add_test(t, json_unescapes);
	tcase_add_test(t, json_survives_a_round_trip);
	tcase_add_test(t, json_writes_only_utf8);
	tcase_add_test(t, shell_quoting);
	tcase_add_test(t, digests);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
