/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall_names.inc"
