/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status protocol: before it powers off, the guest writes one line
 *   kiln: exit N        N from 0 to 255
 *   kiln: signal N      N from 1 to 64
 *   kiln: panic
 * and earlier, when the program reads its standard input for the first time
 *   kiln: input
 * The first good line of an end counts; anything else is ignored, as whatever comes from
 * a guest may be nonsense.
 */
#include "run.h"

#include <string.h>

static bool number_after(
    const char *line, const char *prefix, unsigned min, unsigned max, int *value)
{
	unsigned v;

	if (strncmp(line, prefix, strlen(prefix)) != 0 ||
	    spec_number(line + strlen(prefix), min, max, &v) != NULL)
		return false;
	*value = (int)v;
	return true;
}

static void status_line(struct status_reader *s)
{
	int value = 0;

	if (strcmp(s->line, "kiln: input") == 0)
		s->input = true;
	if (s->ending.outcome != END_NONE)
		return;
	if (number_after(s->line, "kiln: exit ", 0, 255, &value))
		s->ending = (struct ending){END_EXIT, value};
	else if (number_after(s->line, "kiln: signal ", 1, 64, &value))
		s->ending = (struct ending){END_SIGNAL, value};
	else if (strcmp(s->line, "kiln: panic") == 0)
		s->ending = (struct ending){END_PANIC, 0};
}

void status_feed(struct status_reader *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			if (s->len < sizeof(s->line)) {
				s->line[s->len] = '\0';
				status_line(s);
			}
			s->len = 0;
		} else if (s->len < sizeof(s->line)) {
			s->line[s->len++] = data[i];
		}
	}
}
