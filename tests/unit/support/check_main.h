/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main() of a Check program: CHECK_MAIN(make_suite).  tests/run.sh reads the
 * TAP log that Check writes when CK_TAP_LOG_FILE_NAME is set.  For a debugger:
 * CK_FORK=no build/tests/unit/t_x; for one case: CK_RUN_CASE=name.
 */
#ifndef CHECK_MAIN_H
#define CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

#define CHECK_MAIN(make_suite)                                                                     \
	int main(void)                                                                             \
	{                                                                                          \
		SRunner *sr = srunner_create(make_suite());                                        \
		srunner_run_all(sr, CK_NORMAL);                                                    \
		int failed = srunner_ntests_failed(sr);                                            \
		srunner_free(sr);                                                                  \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                       \
	}

#endif
