/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's random generator: ChaCha20 with fast key erasure, seeded from several sources. */
#ifndef KERN_RANDOM_H
#define KERN_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fill buf; never fails, any context but interrupt handlers. */
void random_bytes(void *buf, size_t len);
uint32_t random_u32(void);
/* Mix in entropy worth `bits`; contents need not be secret or uniform. */
void random_add(const void *data, size_t len, unsigned bits);
/* Memory has been copied, and others may have the same: mix in what is this machine's alone. */
void random_reseed(void);
/* Enough entropy (256 bits) collected? */
bool random_ready(void);

#endif
