/* SPDX-License-Identifier: BSD-2-Clause */
/* start.h - what an image of several programs starts: the value of --start. */
#ifndef KILN_START_H
#define KILN_START_H

#include "util.h"

/*
 * "[NAME=VALUE ...] PROGRAM [ARGUMENT ...]", several of them with `;', `&' or `|' in between or
 * behind, as the configuration's array "programs".  Words are separated by blanks; '', "" and \
 * protect, and nothing is expanded.  Ends the command with a message that names `option` if that
 * is not what it is.
 */
void start_json(const char *option, const char *commands, struct sbuf *json);

#endif
