/* SPDX-License-Identifier: BSD-2-Clause */
/* The launch configuration: what is found, what hides what, what is refused. */
#include <errno.h>
#include <string.h>

#include <kern/config.h>
#include <kern/config_init.h>

#include "check_main.h"
#include "native.h"

/* Stand for the symbols that bake defines. */
extern const char __kiln_config_start[], __kiln_config_end[];
__asm__(
    ".pushsection .rodata\n.globl __kiln_config_start, __kiln_config_end\n__kiln_config_start:\n"
    ".ascii "
    "\"{\\\"args\\\":[\\\"x\\\",\\\"y\\\",\\\"z\\\"],\\\"env\\\":{\\\"A\\\":\\\"1\\\",\\\"B\\\":"
    "\\\"2\\\"},"
    "\\\"hostname\\\":\\\"oven\\\"}\"\n__kiln_config_end:\n.popsection\n");

START_TEST(config_defaults_alone)
{
	const char *key, *value;

	ck_assert_int_eq(config_init("quiet virtio_mmio.device=512@0xfeb00e00:12"), 0);
	ck_assert_uint_eq(config_count("args"), 3);
	ck_assert_str_eq(config_string("args.2"), "z");
	ck_assert_ptr_null(config_string("args.3"));
	ck_assert_ptr_null(config_string("args"));
	ck_assert_str_eq(config_string("hostname"), "oven");
	ck_assert(config_pair("env", 1, &key, &value));
	ck_assert_str_eq(key, "B");
	ck_assert_str_eq(value, "2");
	ck_assert(!config_pair("env", 2, &key, &value));
	ck_assert_ptr_null(config_string("hostname.x"));
	ck_assert_uint_eq(config_count("nothing.at.all"), 0);
}
END_TEST

START_TEST(config_launcher_overrides_by_key)
{
	const char *key, *value;

	ck_assert_int_eq(
	    config_init("a=b {\"args\":[\"only\"],\"env\":{\"B\":\"3\",\"C\":\"}{\"}} x={"), 0);
	ck_assert_uint_eq(config_count("args"), 1);
	ck_assert_ptr_null(config_string("args.1"));
	ck_assert_uint_eq(config_count("env"), 3);
	ck_assert_str_eq(config_string("env.A"), "1");
	ck_assert_str_eq(config_string("env.B"), "3");
	ck_assert_str_eq(config_string("env.C"), "}{");
	ck_assert(config_pair("env", 2, &key, &value));
	ck_assert_str_eq(key, "A");
	ck_assert_str_eq(config_string("hostname"), "oven");
}
END_TEST

/* Stand for components that read these. */
CONFIG_KEY(test_args, "args", CONFIG_ARRAY);
CONFIG_KEY(test_env, "env", CONFIG_OBJECT);
CONFIG_KEY(test_hostname, "hostname", CONFIG_STRING);
CONFIG_KEY(test_net_if, "net.if", CONFIG_ARRAY);
CONFIG_KEY(test_net_if_mode, "net.if.*.mode", CONFIG_STRING);
CONFIG_KEY(test_net_if_dns, "net.if.*.dns", CONFIG_ARRAY);

START_TEST(config_names_members_of_elements)
{
	native_console_clear();
	ck_assert_int_eq(config_init("{\"net\":{\"if\":[{\"mode\":\"dhcp\",\"dns\":[\"x\"]},"
				     "{\"mod\":1,\"mode\":[],\"dns\":\"x\",\"*\":1},7]}}"),
	    0);
	ck_assert_ptr_null(strstr(native_console(), "net.if.0"));
	ck_assert_ptr_nonnull(
	    strstr(native_console(), "nothing in this image knows net.if.1.mod\n"));
	ck_assert_ptr_nonnull(strstr(native_console(), "nothing in this image knows net.if.1.*\n"));
	ck_assert_ptr_nonnull(strstr(native_console(), "net.if.1.mode must be a string\n"));
	ck_assert_ptr_nonnull(strstr(native_console(), "net.if.1.dns must be an array\n"));
	ck_assert_ptr_nonnull(strstr(native_console(), "net.if.2 must be an object\n"));
	ck_assert_ptr_null(config_string("net.if.1.mode"));
	ck_assert_str_eq(config_string("net.if.0.mode"), "dhcp");
}
END_TEST

START_TEST(config_names_keys_that_nobody_reads)
{
	native_console_clear();
	ck_assert_int_eq(
	    config_init("{\"argz\":[\"a\"],\"net\":{\"iff\":[],\"if\":[{}]},\"hostname\":\"h\"}"),
	    0);
	ck_assert_ptr_nonnull(strstr(native_console(), "nothing in this image knows argz"));
	ck_assert_ptr_nonnull(strstr(native_console(), "nothing in this image knows net.iff"));
	ck_assert_ptr_null(strstr(native_console(), "hostname"));
	ck_assert_uint_eq(config_count("net.if"), 1);
	ck_assert_uint_eq(config_count("args"), 3);
}
END_TEST

START_TEST(config_takes_values_of_the_wrong_kind_for_absent)
{
	native_console_clear();
	ck_assert_int_eq(
	    config_init("{\"args\":\"x\",\"env\":[\"A=1\"],\"hostname\":{},\"net\":[]}"), 0);
	ck_assert_ptr_nonnull(strstr(native_console(), "args must be an array"));
	ck_assert_ptr_nonnull(strstr(native_console(), "env must be an object"));
	ck_assert_ptr_nonnull(strstr(native_console(), "hostname must be a string"));
	ck_assert_ptr_nonnull(strstr(native_console(), "net must be an object"));
	ck_assert_uint_eq(config_count("args"), 3);
	ck_assert_str_eq(config_string("env.A"), "1");
	ck_assert_str_eq(config_string("hostname"), "oven");
	ck_assert_ptr_null(config_string("net.if.0.mode"));
}
END_TEST

START_TEST(config_values_and_escapes)
{
	uint64_t v;

	ck_assert_int_eq(
	    config_init(
		"{\"s\":\"a\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00\",\"n\":65535,\"m\":\"12\","
		"\"t\":true,\"z\":null,\"big\":18446744073709551616,\"neg\":-1,\"net\":{\"if\":"
		"[{\"address\":\"10.0.0.1/24\"},{\"mtu\":1.5e3}]}}"),
	    0);
	ck_assert_str_eq(config_string("s"), "a\"\\/\n\xc3\xa9\xf0\x9f\x98\x80");
	ck_assert_int_eq(config_uint("n", 0, 65535, &v), 0);
	ck_assert_uint_eq(v, 65535);
	ck_assert_int_eq(config_uint("n", 0, 65534, &v), EINVAL);
	ck_assert_int_eq(config_uint("m", 0, 65534, &v), 0);
	ck_assert_uint_eq(v, 12);
	ck_assert_int_eq(config_uint("big", 0, UINT64_MAX, &v), EINVAL);
	ck_assert_int_eq(config_uint("neg", 0, UINT64_MAX, &v), EINVAL);
	ck_assert_int_eq(config_uint("absent", 0, 1, &v), ENOENT);
	ck_assert_str_eq(config_string("t"), "true");
	ck_assert_ptr_null(config_string("z"));
	ck_assert_str_eq(config_string("net.if.0.address"), "10.0.0.1/24");
	ck_assert_str_eq(config_string("net.if.1.mtu"), "1.5e3");
	ck_assert_ptr_null(config_string("net.if.2.mtu"));
	ck_assert_ptr_null(config_string("net.if.x.mtu"));
	ck_assert_uint_eq(config_count("net.if"), 2);
}
END_TEST

START_TEST(config_refuses_what_is_wrong)
{
	static const char *const wrong[] = {"{", "{\"a\"}", "{\"a\":}", "{\"a\" \"b\"}", "{a:1}",
	    "{\"a\":1 \"b\":2}", "{\"a\":[1 2]}", "{\"a\":[\"x\" \"y\"]}", "{\"a\":tru}",
	    "{\"a\":01}", "{\"a\":1.}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u00\"}",
	    "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}", "{\"a\":{\"b\":[\"c\":1]}}",
	    "{\"a\":\"\n\"}", "{\"a\":1,\"b\"}", "{\"a\":1,}", "{,\"a\":1}", "{\"a\":[1,]}",
	    "{\"a\":[,1]}", "{\"a\":1,,\"b\":2}", "{\"a\"::1}", "{\"a\",1}", "{1:2}", "{\"a\":1:2}",
	    "{\"a\":\"b\":\"c\"}"};
	size_t live = native_alloc_live();

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(config_init(wrong[i]) != 0, "accepted: %s", wrong[i]);
	ck_assert_uint_ge(native_alloc_live(), live);
}
END_TEST

START_TEST(config_refuses_a_key_twice)
{
	static const char *const twice[] = {"{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":{}}",
	    "{\"x\":[{\"b\":[1,{\"c\":2}],\"y\":0,\"b\":2}]}", "{\"\":{},\"q\":[],\"\":1}"};
	char text[64];

	for (unsigned i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		native_console_clear();
		ck_assert_msg(config_init(twice[i]) == EINVAL, "accepted: %s", twice[i]);
		ck_assert_ptr_nonnull(strstr(native_console(), "this key is there twice (byte "));
	}
	ck_assert_ptr_nonnull(strstr(native_console(), "near \"\":1}"));
	ck_assert_int_eq(config_init("{\"a\":{\"a\":1,\"b\":\"a\"},\"b\":[\"a\",\"a\"]}"), 0);
	strcpy(text, "{\"abc\":1,\"ab\":2,\"abcd\":3,\"ABC\":4}");
	ck_assert_int_eq(config_init(text), 0);
}
END_TEST

START_TEST(config_out_of_memory)
{
	for (long n = 0; n < 4; n++) {
		native_alloc_fail(n);
		ck_assert_int_eq(config_init("{\"a\":1}"), ENOMEM);
	}
	native_alloc_fail(-1);
	ck_assert_int_eq(config_init("{\"a\":1}"), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_test(tc, config_defaults_alone);
	tcase_add_test(tc, config_launcher_overrides_by_key);
	tcase_add_test(tc, config_names_keys_that_nobody_reads);
	tcase_add_test(tc, config_takes_values_of_the_wrong_kind_for_absent);
	tcase_add_test(tc, config_values_and_escapes);
	tcase_add_test(tc, config_refuses_what_is_wrong);
	tcase_add_test(tc, config_refuses_a_key_twice);
	tcase_add_test(tc, config_names_members_of_elements);
	tcase_add_test(tc, config_out_of_memory);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
