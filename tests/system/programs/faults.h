/* SPDX-License-Identifier: BSD-2-Clause */
/* What the workloads of faults.c share. */
#ifndef FAULTS_H
#define FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Each call is made as if all before it had worked, if what it needs is there (descriptors that
 * are not are -1).  The first that fails must say that there was no memory; what fails
 * after it may be its consequence.
 */
void note(bool good, const char *what, int line);
#define TRY(e) note((e), #e, __LINE__)

/* poll() for events for a moment; false: nothing came. */
bool comes(int fd, short events);
void close_if(int fd);

void work_files(void);
void work_tree(void);
void work_mappings(void);
void work_pipes(void);
void work_unix(void);
void work_rights(void);
void work_udp(void);
void work_tcp(void);
void work_threads(void);
void work_signals(void);
void work_timers(void);
void work_waiting(void);
void work_mqueue(void);
void work_sysv(void);
void work_proc(void);

#endif
