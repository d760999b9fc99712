/* SPDX-License-Identifier: BSD-2-Clause */
/* The console as a file: descriptors 0, 1 and 2 from the start, /dev/console later. */
#ifndef KERN_CONSOLE_H
#define KERN_CONSOLE_H

struct file;

/* A new open file of the console with the given O_ flags.  ENFILE. */
int console_open(int flags, struct file **fpp);

#endif
