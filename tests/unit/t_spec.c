/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of options of the command kiln. */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kiln.h"
#include "spec.h"

int kiln_failure = 1;

START_TEST(spec_size_good)
{
	static const struct {
		const char *s;
		uint64_t bytes;
	} t[] = {{"32M", 32ULL << 20}, {"32m", 32ULL << 20}, {"32", 32ULL << 20},
	    {"1G", 1ULL << 30}, {"4096K", 4ULL << 20}, {"1k", 1024}, {"1024G", 1ULL << 40}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t v = 1;

		ck_assert_msg(spec_size(t[i].s, &v) == NULL, "%s", t[i].s);
		ck_assert_uint_eq(v, t[i].bytes);
	}
}
END_TEST

START_TEST(spec_size_bad)
{
	static const char *const t[] = {"", "M", "-1M", "0", "0G", "1T", "1MB", "1 M", " 1M",
	    "1.5G", "1025G", "9999999999999999999999G", "0x10M", "1M\n"};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t v = 7;

		ck_assert_msg(spec_size(t[i], &v) != NULL, "%s", t[i]);
		ck_assert_uint_eq(v, 7);
	}
}
END_TEST

START_TEST(spec_forward_good)
{
	struct port_forward f;

	ck_assert_ptr_null(spec_forward("8080:80", &f));
	ck_assert(
	    f.host == 8080 && f.guest == 80 && !f.udp && f.addr.s_addr == htonl(INADDR_LOOPBACK));
	ck_assert_ptr_null(spec_forward("1:65535/tcp", &f));
	ck_assert(f.host == 1 && f.guest == 65535 && !f.udp);
	ck_assert_ptr_null(spec_forward("0.0.0.0:53:5353/udp", &f));
	ck_assert(f.host == 53 && f.guest == 5353 && f.udp && f.addr.s_addr == 0);
	ck_assert_ptr_null(spec_forward("192.0.2.255:1:1", &f));
	ck_assert(f.addr.s_addr == htonl(0xc00002ff));
}
END_TEST

START_TEST(spec_forward_bad)
{
	static const char *const t[] = {"", "80", ":", "80:", ":80", "0:80", "80:0", "65536:80",
	    "80:65536", "a:b", "80:80/sctp", "80:80/", "80:80x", "1.2.3:80:80", "1.2.3.4.5:80:80",
	    "localhost:80:80", "::80:80", "1.2.3.4:5:6:7", "80 :80", "-1:80",
	    "000000000000000000000:1", "1234567890123456789012345:1:1"};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct port_forward f = {.host = 9};

		ck_assert_msg(spec_forward(t[i], &f) != NULL, "%s", t[i]);
		ck_assert_uint_eq(f.host, 9);
	}
}
END_TEST

START_TEST(spec_net_kinds)
{
	enum net_mode m = NET_AUTO;
	const char *d;

	ck_assert(spec_net("user", &m, &d) == NULL && m == NET_USER && d == NULL);
	ck_assert(spec_net("none", &m, &d) == NULL && m == NET_NONE);
	ck_assert(spec_net("tap=tap0", &m, &d) == NULL && m == NET_TAP && strcmp(d, "tap0") == 0);
	ck_assert(spec_net("fd=7", &m, &d) == NULL && m == NET_FD && strcmp(d, "7") == 0);
	for (const char **p = (const char *[]){"", "tap", "tap=", "tap=a,b", "tap=0123456789abcdef",
		 "tap=a/b", "bridge", "fd=2", "fd=x", "User", NULL};
	     *p != NULL; p++)
		ck_assert_msg(spec_net(*p, &m, &d) != NULL, "%s", *p);
}
END_TEST

START_TEST(spec_addresses)
{
	ck_assert_ptr_null(spec_prefix("192.0.2.1/24"));
	ck_assert_ptr_null(spec_prefix("0.0.0.0/0"));
	for (const char **p = (const char *[]){"192.0.2.1", "192.0.2.1/", "192.0.2.1/33",
		 "192.0.2/24", "/24", "192.0.2.1/24x", "192.0.2.1/-1", "192.192.192.192.192.192/1",
		 "fe80::1/64", NULL};
	     *p != NULL; p++)
		ck_assert_msg(spec_prefix(*p) != NULL, "%s", *p);
	ck_assert_ptr_null(spec_address("255.255.255.255"));
	ck_assert_ptr_nonnull(spec_address("256.0.0.1"));
	ck_assert_ptr_nonnull(spec_address(""));
}
END_TEST

START_TEST(spec_names)
{
	ck_assert_ptr_null(spec_env("A=b"));
	ck_assert_ptr_null(spec_env("A="));
	ck_assert_ptr_null(spec_env("A=b=c"));
	ck_assert_ptr_nonnull(spec_env("=b"));
	ck_assert_ptr_nonnull(spec_env("A"));
	ck_assert_ptr_nonnull(spec_env(""));
	ck_assert_ptr_null(spec_hostname("web-1.example"));
	ck_assert_ptr_nonnull(spec_hostname(""));
	ck_assert_ptr_nonnull(spec_hostname("-x"));
	ck_assert_ptr_nonnull(spec_hostname("a b"));
	ck_assert_ptr_nonnull(spec_hostname("a\"b"));
	ck_assert_ptr_nonnull(
	    spec_hostname("0123456789012345678901234567890123456789012345678901234567890123x"));
}
END_TEST

START_TEST(spec_number_range)
{
	unsigned v = 0;

	ck_assert(spec_number("1", 1, 32, &v) == NULL && v == 1);
	ck_assert(spec_number("32", 1, 32, &v) == NULL && v == 32);
	ck_assert_ptr_nonnull(spec_number("0", 1, 32, &v));
	ck_assert_ptr_nonnull(spec_number("33", 1, 32, &v));
	ck_assert_ptr_nonnull(spec_number("4294967297", 1, 32, &v));
	ck_assert_ptr_nonnull(spec_number("1 ", 1, 32, &v));
	ck_assert_str_eq(spec_number("x", 1, 32, &v), "a number from 1 to 32");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("spec");
	TCase *t = tcase_create("values");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, spec_size_good);
	tcase_add_test(t, spec_size_bad);
	tcase_add_test(t, spec_forward_good);
	tcase_add_test(t, spec_forward_bad);
	tcase_add_test(t, spec_net_kinds);
	tcase_add_test(t, spec_addresses);
	tcase_add_test(t, spec_names);
	tcase_add_test(t, spec_number_range);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
