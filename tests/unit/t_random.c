/* SPDX-License-Identifier: BSD-2-Clause */
/* ChaCha20 against RFC 8439, and what the generator on top of it promises. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rumpuser.h>
#include <kern/random.h>
#include <kern/systm.h>

#include "check_main.h"
#include "native.h"
#include "random_impl.h"

static unsigned entropy_bits = 512;
static uint8_t entropy_byte;

void rumpuser_entropy(void *buf, size_t len, unsigned *bits)
{
	memset(buf, entropy_byte, len);
	*bits = entropy_bits;
}

uint64_t rumpuser_clock_monotonic(void)
{
	return 1;
}

uint64_t rumpuser_clock_wall(void)
{
	return 2;
}

START_TEST(chacha20_rfc8439_2_3_2)
{
	uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x03020100,
	    0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
	    0x00000001, 0x09000000, 0x4a000000, 0},
		 out[16];
	static const uint32_t expect[16] = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
	    0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214,
	    0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};

	random_chacha20(state, out);
	ck_assert_mem_eq(out, expect, sizeof(out));
}
END_TEST

START_TEST(chacha20_rfc8439_a_1)
{
	uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, out[16];
	static const uint32_t expect[16] = {0xade0b876, 0x903df1a0, 0xe56a5d40, 0x28bd8653,
	    0xb819d2bd, 0x1aed8da0, 0xccef36a8, 0xc70d778b, 0x7c5941da, 0x8d485751, 0x3fe02477,
	    0x374ad8b8, 0xf4b8436a, 0x1ca11815, 0x69b687c3, 0x8665eeb2};

	random_chacha20(state, out);
	ck_assert_mem_eq(out, expect, sizeof(out));
}
END_TEST

START_TEST(random_output_differs)
{
	static uint8_t a[5000], b[5000];
	unsigned ones = 0;

	ck_assert_int_eq(native_components(), 0);
	ck_assert(random_ready());
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	ck_assert_mem_ne(a, b, sizeof(a));
	for (unsigned i = 0; i + 16 <= sizeof(a); i += 16)
		ck_assert_mem_ne(a + i, b + i, 16);
	for (unsigned i = 0; i < sizeof(a); i++)
		ones += (unsigned)__builtin_popcount(a[i]);
	ck_assert_uint_gt(ones, 19000);
	ck_assert_uint_lt(ones, 21000);
	ck_assert_uint_ne(random_u32(), random_u32());
}
END_TEST

START_TEST(random_without_a_source)
{
	uint8_t seed[8] = {1};

	entropy_bits = 0;
	ck_assert_int_eq(native_components(), 0);
	if (random_ready()) /* jitter alone never makes it */
		ck_abort_msg("ready without entropy");
	for (int i = 0; i < 40; i++)
		random_add(seed, sizeof(seed), 8);
	ck_assert(random_ready());
}
END_TEST

START_TEST(random_odd_lengths)
{
	uint8_t buf[300];

	for (size_t len = 0; len < 290; len++) {
		memset(buf, 0, sizeof(buf));
		random_bytes(buf + 5, len);
		for (unsigned i = 0; i < 5; i++)
			ck_assert_uint_eq(buf[i] | buf[5 + len + i], 0);
	}
}
END_TEST

START_TEST(random_seed_from_launcher)
{
	uint8_t a[16];

	/* Any string must do no harm. */
	native_config("seed", "00ff");
	ck_assert_int_eq(native_components(), 0);
	native_config("seed", "xyz");
	ck_assert_int_eq(native_components(), 0);
	native_config("seed", "abc");
	ck_assert_int_eq(native_components(), 0);
	random_bytes(a, sizeof(a));
}
END_TEST

/* What a copy of this process has next. */
static void in_a_copy(uint8_t out[32], bool reseed)
{
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		if (reseed)
			random_reseed();
		random_bytes(out, 32);
		_exit(write(fds[1], out, 32) != 32);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(fds[0], out, 32), 32);
	close(fds[0]);
	close(fds[1]);
}

START_TEST(random_of_copies_differs_when_reseeded)
{
	uint8_t a[32], b[32];

	ck_assert_int_eq(native_components(), 0);
	random_bytes(a, 5); /* what is left over must not be given either */
	in_a_copy(a, false);
	in_a_copy(b, false);
	ck_assert_int_eq(memcmp(a, b, sizeof(a)), 0);
	in_a_copy(a, true);
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
	in_a_copy(b, true);
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("random");
	TCase *tc = tcase_create("random");

	tcase_add_test(tc, chacha20_rfc8439_2_3_2);
	tcase_add_test(tc, chacha20_rfc8439_a_1);
	tcase_add_test(tc, random_output_differs);
	tcase_add_test(tc, random_without_a_source);
	tcase_add_test(tc, random_odd_lengths);
	tcase_add_test(tc, random_seed_from_launcher);
	tcase_add_test(tc, random_of_copies_differs_when_reseeded);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
