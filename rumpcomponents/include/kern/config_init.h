/* SPDX-License-Identifier: BSD-2-Clause */
/* How kern/base starts kern/config. */
#ifndef KERN_CONFIG_INIT_H
#define KERN_CONFIG_INIT_H

/*
 * Parse the defaults in the image and the document in the command line.  Complains
 * on the console.  EINVAL, E2BIG, ENOMEM.
 */
int config_init(const char *cmdline);

#endif
