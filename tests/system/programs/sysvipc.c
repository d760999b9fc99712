/* SPDX-License-Identifier: BSD-2-Clause */
/* System V semaphores, message queues and shared memory; memfd. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static key_t key(void)
{
	return (key_t)(0x4b000000 + getpid());
}

static int failed(int result, int error)
{
	return result == -1 && errno == error;
}

static int op(int id, int num, int by, int flags)
{
	struct sembuf sb = {(unsigned short)num, (short)by, (short)flags};

	return semop(id, &sb, 1);
}

static int sem;

static void *taker(void *arg)
{
	for (int i = 0; i < 500; i++)
		if (op(sem, 0, -1, 0) != 0)
			return (void *)1;
	return arg;
}

static void *blocked(void *arg)
{
	(void)arg;
	return op(sem, 1, -1, 0) == -1 ? (void *)(long)errno : NULL;
}

static void on_signal(int signo)
{
	(void)signo;
}

static void semaphores(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sembuf both[2] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
	struct timespec ts = {0, 30000000};
	struct semid_ds ds;
	unsigned short values[2] = {3, 0};
	pthread_t t[2];
	void *result;
	int i, bad = 0;

	check(failed(semget(key(), 2, 0), ENOENT), "no set of that key");
	sem = semget(key(), 2, IPC_CREAT | IPC_EXCL | 0600);
	check(sem >= 0, "a set is made");
	check(failed(semget(key(), 2, IPC_CREAT | IPC_EXCL), EEXIST), "IPC_EXCL finds it");
	check(semget(key(), 1, 0) == sem, "it is found by its key");
	check(failed(semget(key(), 3, 0), EINVAL), "but not with more semaphores");
	check(semctl(sem, 0, SETALL, (union semun){.array = values}) == 0 &&
		  semctl(sem, 0, GETVAL) == 3 && semctl(sem, 1, GETVAL) == 0,
	    "SETALL and GETVAL");
	check(failed(semop(sem, both, 2), EAGAIN) && semctl(sem, 0, GETVAL) == 3,
	    "all operations or none");
	check(failed(op(sem, 2, 1, 0), EFBIG), "a semaphore that isn't there");
	check(failed(op(sem, 0, 32767, 0), ERANGE), "a value too high");
	check(op(sem, 1, 0, IPC_NOWAIT) == 0 && failed(op(sem, 0, 0, IPC_NOWAIT), EAGAIN),
	    "waiting for zero");
	both[0].sem_flg = both[1].sem_flg = 0;
	check(failed(semtimedop(sem, both, 2, &ts), EAGAIN), "semtimedop gives up");
	check(semctl(sem, 0, GETPID) == getpid(), "GETPID");
	check(semctl(sem, 0, IPC_STAT, (union semun){.buf = &ds}) == 0 && ds.sem_nsems == 2 &&
		  (ds.sem_perm.mode & 0777) == 0600 && ds.sem_otime > 0,
	    "IPC_STAT");

	semctl(sem, 0, SETVAL, (union semun){.val = 0});
	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, taker, NULL);
	for (i = 0; i < 500; i++)
		op(sem, 0, 2, 0);
	for (i = 0; i < 2; i++) {
		pthread_join(t[i], &result);
		bad += result != NULL;
	}
	check(!bad && semctl(sem, 0, GETVAL) == 0, "one gives, two take");

	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t[0], NULL, blocked, NULL);
	while (semctl(sem, 1, GETNCNT) != 1)
		usleep(1000);
	pthread_kill(t[0], SIGUSR1);
	pthread_join(t[0], &result);
	check((long)result == EINTR && semctl(sem, 1, GETNCNT) == 0,
	    "a signal ends the wait, SA_RESTART or not");
	pthread_create(&t[0], NULL, blocked, NULL);
	while (semctl(sem, 1, GETNCNT) != 1)
		usleep(1000);
	check(semctl(sem, 0, IPC_RMID) == 0, "the set is removed");
	pthread_join(t[0], &result);
	check((long)result == EIDRM, "who waits is told");
	check(failed(op(sem, 0, 1, 0), EINVAL), "its number means nothing now");
}

struct msg {
	long type;
	char text[16];
};

static int queue;

static void *reader(void *arg)
{
	struct msg m;

	(void)arg;
	return msgrcv(queue, &m, sizeof(m.text), 9, 0) == 2 ? (void *)1 : NULL;
}

static void *waiter(void *arg)
{
	struct msg m;

	(void)arg;
	return msgrcv(queue, &m, sizeof(m.text), 77, 0) == -1 ? (void *)(long)errno : NULL;
}

static int put(long type, const char *text)
{
	struct msg m = {.type = type};

	strcpy(m.text, text);
	return msgsnd(queue, &m, strlen(text), IPC_NOWAIT);
}

static int get(long type, int flags, const char *text)
{
	struct msg m = {0};
	ssize_t n = msgrcv(queue, &m, sizeof(m.text), type, flags | IPC_NOWAIT);

	return n == (ssize_t)strlen(text) && memcmp(m.text, text, (size_t)n) == 0;
}

static void messages(void)
{
	struct msqid_ds ds;
	struct msg m;
	pthread_t t;
	void *result;
	int n;

	queue = msgget(IPC_PRIVATE, 0600);
	check(queue >= 0, "a message queue");
	check(failed(put(0, "x"), EINVAL), "a type below 1");
	put(3, "three");
	put(1, "one");
	put(2, "two");
	put(2, "zwei");
	check(msgctl(queue, IPC_STAT, &ds) == 0 && ds.msg_qnum == 4 && ds.msg_lspid == getpid(),
	    "msgctl(IPC_STAT)");
	check(get(2, 0, "two"), "the first of a type");
	check(get(-2, 0, "one"), "the lowest type");
	check(get(2, MSG_EXCEPT, "three"), "any but a type");
	check(failed((int)msgrcv(queue, &m, 2, 0, 0), E2BIG), "too long for the buffer");
	check(msgrcv(queue, &m, 2, 0, MSG_NOERROR) == 2 && memcmp(m.text, "zw", 2) == 0,
	    "cut off if that is wished");
	check(failed((int)msgrcv(queue, &m, 16, 0, IPC_NOWAIT), ENOMSG), "nothing there");
	for (n = 0; n < 100000 && put(1, "0123456789abcde") == 0; n++)
		;
	check(errno == EAGAIN && n * 15 <= 16384 && n * 15 > 16384 - 16, "it fills up");
	while (get(0, 0, "0123456789abcde"))
		n--;
	check(n == 0, "and is emptied");
	pthread_create(&t, NULL, reader, NULL);
	usleep(10000);
	put(8, "no");
	put(9, "ja");
	pthread_join(t, &result);
	check(result != NULL, "a reader waits for its type");
	pthread_create(&t, NULL, waiter, NULL);
	usleep(50000);
	msgctl(queue, IPC_RMID, NULL);
	pthread_join(t, &result);
	check((long)result == EIDRM || (long)result == EINVAL, "a removed queue wakes who waits");
	check(failed(put(1, "x"), EINVAL), "and is gone");
}

static void shared(void)
{
	struct shmid_ds ds;
	int id = shmget(key(), 10000, IPC_CREAT | IPC_EXCL | 0600);
	char *a, *b;

	check(id >= 0 && shmget(key(), 0, 0) == id, "a segment");
	check(failed(shmget(key(), 20000, 0), EINVAL), "smaller than wished");
	a = shmat(id, NULL, 0);
	b = shmat(id, NULL, SHM_RDONLY);
	check(a != (void *)-1 && b != (void *)-1 && a != b, "attached twice");
	strcpy(a + 9000, "hello");
	check(strcmp(b + 9000, "hello") == 0 && a[0] == 0, "the same memory, zeroed at first");
	check(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 2 && ds.shm_segsz == 10000,
	    "shmctl(IPC_STAT)");
	check(shmdt(b) == 0 && failed(shmdt(b), EINVAL), "detached once");
	check(shmctl(id, IPC_RMID, NULL) == 0 && failed(shmget(key(), 0, 0), ENOENT),
	    "removed: nobody finds it");
	check(
	    strcmp(a + 9000, "hello") == 0 && shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 1,
	    "it stays while it is attached");
	check(shmdt(a) == 0 && failed(shmctl(id, IPC_STAT, &ds), EINVAL), "and goes with the last");
	check(failed(shmget(IPC_PRIVATE, 0, 0600), EINVAL), "an empty one is refused");
	id = shmget(IPC_PRIVATE, 4096, 0600);
	a = shmat(id, NULL, 0);
	munmap(a, 4096);
	b = mmap(a, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	*b = 1;
	check(failed(shmdt(a), EINVAL) && *b == 1, "what took its place is not detached");
	shmctl(id, IPC_RMID, NULL);
}

static void memfd(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct stat st;
	char *p, buf[6];

	check(fd >= 0 && ftruncate(fd, 8192) == 0 && fstat(fd, &st) == 0 && st.st_size == 8192 &&
		  S_ISREG(st.st_mode),
	    "memfd_create");
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	strcpy(p + 5000, "hello");
	check(pread(fd, buf, 6, 5000) == 6 && strcmp(buf, "hello") == 0, "mapped and read");
	close(fd);
	check(strcmp(p + 5000, "hello") == 0, "it stays while it is mapped");
	munmap(p, 8192);
	check(failed(memfd_create("x", 0x8000), EINVAL), "flags that are none");
}

int main(void)
{
	semaphores();
	messages();
	shared();
	memfd();
	return failures != 0;
}
