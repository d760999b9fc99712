/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up of the components that are linked into a test. */
#include <kern/component.h>
#include <kern/systm.h>

#include "native.h"

LINK_SET_DECLARE(components, const struct rump_component);

int native_components(void)
{
	const struct rump_component *const *rc;
	int error;

	for (int phase = 0; phase < RUMP_NPHASES; phase++) {
		LINK_SET_FOREACH (rc, components) {
			if ((int)(*rc)->rc_phase == phase && (error = (*rc)->rc_init()) != 0)
				return error;
		}
	}
	return 0;
}
