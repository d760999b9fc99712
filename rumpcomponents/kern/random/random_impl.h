/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RANDOM_IMPL_H
#define RANDOM_IMPL_H

#include <stdint.h>

#define CHACHA_WORDS 16

/* One ChaCha20 block (RFC 8439, 2.3): out = permuted state + state. */
void random_chacha20(const uint32_t state[CHACHA_WORDS], uint32_t out[CHACHA_WORDS]);

#endif
