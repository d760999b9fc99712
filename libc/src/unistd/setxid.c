/* SPDX-License-Identifier: BSD-2-Clause */
/* musl's way to change the credentials of all threads; here they share one set. */
