/* SPDX-License-Identifier: BSD-2-Clause */
#include "strace_calls.inc"
