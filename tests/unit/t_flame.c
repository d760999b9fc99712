/* SPDX-License-Identifier: BSD-2-Clause */
/* The flame graph: boxes where their stacks say, and names that XML would misread. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../app-tools/profile.h"

int kiln_failure = 1;

static const char *after(const char *s, const char *what)
{
	const char *at = strstr(s, what);

	ck_assert_msg(at != NULL, "no %s in %s", what, s);
	return at + strlen(what);
}

/* The number behind attribute ATTR=" of the first box with this name. */
static double box(const char *svg, const char *name, const char *attr)
{
	struct sbuf title = {0};
	const char *at;
	double v;

	sbuf_printf(&title, "data-n=\"%s\"", name);
	at = after(svg, title.s);
	sbuf_free(&title);
	sbuf_printf(&title, "%s=\"", attr);
	v = strtod(after(after(at, "<rect"), title.s), NULL);
	sbuf_free(&title);
	return v;
}

static unsigned count(const char *s, const char *what)
{
	unsigned n = 0;

	while ((s = strstr(s, what)) != NULL) {
		s += strlen(what);
		n++;
	}
	return n;
}

START_TEST(flame_places_boxes)
{
	struct flame_frame a[] = {{"main", false}}, b[] = {{"main", false}, {"deep", false}},
			   c[] = {{"main", false}, {"deep", false}, {"deeper", true}},
			   d[] = {{"other", true}, {"deep", false}};
	const struct flame_stack stacks[] = {{a, 1, 10}, {b, 2, 20}, {c, 3, 30}, {d, 2, 40}};
	struct sbuf out = {0};

	flame_svg(&out, stacks, 4, "title");
	/* One box for main, all, deeper and other; deep has one for each caller. */
	ck_assert_uint_eq(count(out.s, "<g class="), 6);
	ck_assert_double_eq_tol(box(out.s, "all", "width"), 1200, 0.01);
	ck_assert_double_eq_tol(box(out.s, "main", "width"), 720, 0.01);
	ck_assert_double_eq_tol(box(out.s, "deep", "width"), 600, 0.01);
	ck_assert_double_eq_tol(box(out.s, "deep", "x"), 10 + 120, 0.01);
	ck_assert_double_eq_tol(box(out.s, "deeper", "width"), 360, 0.01);
	ck_assert_double_eq_tol(box(out.s, "other", "x"), 10 + 720, 0.01);
	ck_assert(box(out.s, "deeper", "y") < box(out.s, "deep", "y"));
	ck_assert(box(out.s, "deep", "y") < box(out.s, "main", "y"));
	ck_assert(box(out.s, "main", "y") < box(out.s, "all", "y"));
	ck_assert_ptr_nonnull(strstr(out.s, "<title>deeper (30 samples, 30.0%)</title>"));
	sbuf_free(&out);
}
END_TEST

START_TEST(flame_quotes_names)
{
	struct flame_frame f[] = {{"a<b>&\"c\"\x01\xff", false}};
	const struct flame_stack stacks[] = {{f, 1, 1}};
	struct sbuf out = {0};

	flame_svg(&out, stacks, 1, "<&>");
	ck_assert_ptr_nonnull(strstr(out.s, "data-n=\"a&lt;b&gt;&amp;&quot;c&quot;??\""));
	ck_assert_ptr_nonnull(strstr(out.s, ">&lt;&amp;&gt;</text>"));
	ck_assert_ptr_null(strstr(out.s, "a<b"));
	sbuf_free(&out);
}
END_TEST

/* Nothing sampled, and boxes too narrow to be seen. */
START_TEST(flame_of_little)
{
	struct flame_frame f[] = {{"wide", false}}, g[] = {{"narrow", false}};
	const struct flame_stack stacks[] = {{g, 1, 1}, {f, 1, 100000}};
	struct sbuf out = {0};

	flame_svg(&out, NULL, 0, "");
	ck_assert_uint_eq(count(out.s, "<g class="), 0);
	ck_assert_ptr_nonnull(strstr(out.s, "</svg>"));
	sbuf_free(&out);
	flame_svg(&out, stacks, 2, "");
	ck_assert_ptr_null(strstr(out.s, "narrow"));
	ck_assert_ptr_nonnull(strstr(out.s, "wide"));
	sbuf_free(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flame");
	TCase *t = tcase_create("flame");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, flame_places_boxes);
	tcase_add_test(t, flame_quotes_names);
	tcase_add_test(t, flame_of_little);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
