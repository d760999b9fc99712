/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator: ChaCha20 with fast key erasure.  Each refill makes a few blocks; the
 * first 32 bytes become the next key, the rest is handed out and wiped, so
 * that nobody who reads the memory later learns what was given before.
 *
 * Seeds are mixed into the key by running the permutation over key xor input.
 * Sources: RDSEED/RDRAND or the host through rumpuser, the launcher's
 * seed (credited nothing), the virtio device, and the jitter of the clock.
 */
#include <rumpuser.h>
#include <kern/component.h>
#include <kern/config.h>
#include <kern/random.h>
#include <kern/spin.h>
#include <kern/systm.h>
#include "random_impl.h"

#define NBLOCKS	       4
#define SEED_BITS      256
#define JITTER_SAMPLES 64

static struct {
	volatile uint32_t lock;
	uint32_t key[8];
	uint64_t nonce; /* blocks made since boot */
	unsigned bits;	/* entropy credited so far, up to SEED_BITS */
	unsigned left;	/* bytes of `out` not handed out yet, at its end */
	uint8_t out[NBLOCKS * 64 - 32];
} rng;

static void block(uint32_t out[CHACHA_WORDS])
{
	/* RFC 8439, 2.3: constants, key, counter, nonce. */
	uint32_t state[CHACHA_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memcpy(state + 4, rng.key, sizeof(rng.key));
	state[12] = (uint32_t)rng.nonce;
	state[13] = (uint32_t)(rng.nonce >> 32);
	rng.nonce++;
	random_chacha20(state, out);
}

static void refill(void)
{
	uint32_t out[NBLOCKS][CHACHA_WORDS];

	for (unsigned i = 0; i < NBLOCKS; i++)
		block(out[i]);
	memcpy(rng.key, out, sizeof(rng.key));
	memcpy(rng.out, (uint8_t *)out + sizeof(rng.key), sizeof(rng.out));
	rng.left = sizeof(rng.out);
	memset(out, 0, sizeof(out));
	__asm__ volatile("" ::"r"(out) : "memory"); /* the wiping stays */
}

static void mix(const uint8_t *data, size_t len)
{
	uint32_t out[CHACHA_WORDS];
	uint8_t *key = (uint8_t *)rng.key;

	while (len > 0) {
		size_t n = KMIN(len, sizeof(rng.key));
		for (size_t i = 0; i < n; i++)
			key[i] ^= data[i];
		block(out);
		memcpy(rng.key, out, sizeof(rng.key));
		data += n;
		len -= n;
	}
	rng.left = 0;
}

void random_add(const void *data, size_t len, unsigned bits)
{
	spin_lock(&rng.lock);
	mix(data, len);
	rng.bits = KMIN(rng.bits + bits, SEED_BITS);
	spin_unlock(&rng.lock);
}

bool random_ready(void)
{
	return rng.bits >= SEED_BITS;
}

/* How long the machine takes to do nothing: some randomness, quickly had. */
static unsigned jitter(uint64_t samples[JITTER_SAMPLES])
{
	unsigned distinct = 0;

	for (unsigned i = 0; i < JITTER_SAMPLES; i++) {
		samples[i] = __builtin_ia32_rdtsc();
		if (i > 1 && samples[i] - samples[i - 1] != samples[i - 1] - samples[i - 2])
			distinct++;
	}
	return distinct / 2;
}

static unsigned hex(char c)
{
	return c >= '0' && c <= '9'		    ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : 16;
}

CONFIG_KEY(seed, "seed", CONFIG_STRING);

static void seed_from_launcher(void)
{
	const char *s = config_string("seed");
	uint8_t bytes[64];
	size_t n = 0;

	if (!s)
		return;
	for (; s[0] && s[1] && n < sizeof(bytes) && hex(s[0]) < 16 && hex(s[1]) < 16; s += 2)
		bytes[n++] = hex(s[0]) << 4 | hex(s[1]);
	if (s[0])
		config_complain("seed", s, "at most 128 hexadecimal digits");
	random_add(bytes, n, 0);
}

/* What no other machine has, nor this one at another time. */
void random_reseed(void)
{
	uint64_t samples[JITTER_SAMPLES],
	    times[2] = {rumpuser_clock_monotonic(), rumpuser_clock_wall()};
	uint8_t buf[64];
	unsigned bits;

	rumpuser_entropy(buf, sizeof(buf), &bits);
	random_add(buf, sizeof(buf), bits);
	bits = jitter(samples);
	random_add(samples, sizeof(samples), bits);
	random_add(times, sizeof(times), 0);
}

static int random_init(void)
{
	random_reseed();
	seed_from_launcher();
	return 0;
}
RUMP_COMPONENT(random, RUMP_PHASE_KERN, random_init);

void random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf, *from;

	while (len > 0) {
		size_t n;
		spin_lock(&rng.lock);
		if (rng.left == 0)
			refill();
		n = KMIN(len, rng.left);
		from = rng.out + sizeof(rng.out) - rng.left;
		memcpy(p, from, n);
		memset(from, 0, n);
		rng.left -= n;
		spin_unlock(&rng.lock);
		p += n;
		len -= n;
	}
}

uint32_t random_u32(void)
{
	uint32_t r;

	random_bytes(&r, sizeof(r));
	return r;
}
