/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small read-only file system below tmpfs.  All of it is under /t, with names as t_vfs_linux
 * makes them.  Nodes are static; who looks one up gets a reference.
 */
#ifndef FAKELOWER_H
#define FAKELOWER_H

#include <stdbool.h>
#include <stddef.h>

#define LOWER_BIG 40000 /* bytes of /t/big */

/* Make the same tree (what is in /t) in a directory of the host. */
void lower_populate(int dirfd) __attribute__((weak));
/* References that somebody holds to its nodes. */
unsigned lower_references(void) __attribute__((weak));
/* The n-th operation from now (0: the next) fails with EIO, once; negative: none. */
void lower_fail(long n) __attribute__((weak));
/* Byte i of /t/big. */
char lower_byte(size_t i);

#endif
