/* SPDX-License-Identifier: BSD-2-Clause */
/* memmove() is memcpy(): see memcpy.c. */
