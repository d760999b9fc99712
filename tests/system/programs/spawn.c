/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting programs: spawn HELPER, a path; on Kiln it names a program of the image. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what, cond)                                                                          \
	do {                                                                                       \
		if (cond)                                                                          \
			printf("ok %s\n", what);                                                   \
		else                                                                               \
			printf("FAIL %s (errno %d)\n", what, errno);                               \
	} while (0)

static const char *helper;
static char *env[] = {"WORD=word", NULL};
static volatile sig_atomic_t children;

static void on_child(int signo)
{
	(void)signo;
	children++;
}

static pid_t start(posix_spawn_file_actions_t *fa, const char *what, int number)
{
	char n[16], *args[] = {(char *)helper, (char *)what, n, NULL};
	pid_t pid;

	snprintf(n, sizeof(n), "%d", number);
	errno = posix_spawn(&pid, helper, fa, NULL, args, env);
	return errno == 0 ? pid : -1;
}

/* Status of the helper, run to its end. */
static int run(const char *what, int number)
{
	pid_t pid = start(NULL, what, number);
	int status = -1;

	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static int exits(const char *what, int number, int code)
{
	int status = run(what, number);

	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static void pipes(void)
{
	posix_spawn_file_actions_t fa;
	char buf[64] = "";
	int out[2], in[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(in, O_CLOEXEC) != 0)
		return;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in[0], 0);
	posix_spawn_file_actions_adddup2(&fa, out[1], 1);
	pid = start(&fa, "copy", 0);
	close(out[1]);
	close(in[0]);
	CHECK("pipe write", write(in[1], "through", 7) == 7);
	close(in[1]);
	CHECK("pipe read", read(out[0], buf, sizeof(buf)) == 7 && strcmp(buf, "through") == 0);
	CHECK("pipe end", read(out[0], buf, sizeof(buf)) == 0);
	CHECK("pipe status", waitpid(pid, NULL, 0) == pid);
	CHECK("close on exec", exits("fd", out[0], 1));
	fcntl(out[0], F_SETFD, 0);
	CHECK("inherited descriptor", exits("fd", out[0], 0));
	close(out[0]);
	posix_spawn_file_actions_destroy(&fa);
}

static __attribute__((noinline)) pid_t vfork_exec(const char *what, const char *number)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execle(helper, helper, what, number, (char *)NULL, env);
		_exit(127);
	}
	return pid;
}

static void vforks(void)
{
	volatile int a = 11, b = 22;
	int status = 0;
	pid_t pid = vfork_exec("exit", "5");

	CHECK("vfork exec", pid > 0 && wait(&status) == pid && WEXITSTATUS(status) == 5);
	pid = vfork();
	if (pid == 0)
		_exit(a);
	CHECK("vfork exit", pid > 0 && wait(&status) == pid && WEXITSTATUS(status) == 11);
	CHECK("vfork stack", a == 11 && b == 22);
	pid = vfork();
	if (pid == 0) {
		execl("/nosuch/program", "program", (char *)NULL);
		_exit(errno == ENOENT ? 1 : 2);
	}
	CHECK("execve ENOENT", wait(&status) == pid && WEXITSTATUS(status) == 1);
}

static void waits(void)
{
	const struct timespec a_while = {.tv_nsec = 20000000};
	pid_t pid = start(NULL, "wait", 0);
	siginfo_t info;
	int status;

	signal(SIGCHLD, on_child);
	CHECK("WNOHANG", waitpid(pid, &status, WNOHANG) == 0);
	CHECK("kill 0", kill(pid, 0) == 0);
	kill(pid, SIGTERM);
	CHECK("waitid", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 &&
			    info.si_pid == pid && info.si_code == CLD_KILLED &&
			    info.si_status == SIGTERM);
	CHECK("killed",
	    waitpid(-1, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	nanosleep(&a_while, NULL);
	CHECK("SIGCHLD", children == 1);
	CHECK("ECHILD", waitpid(-1, &status, 0) == -1 && errno == ECHILD);
	CHECK("no process", kill(pid, 0) == -1 && errno == ESRCH);
	status = run("crash", 0);
	CHECK("crash", status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	signal(SIGCHLD, SIG_IGN);
	pid = start(NULL, "exit", 0);
	CHECK("ignored children", wait(&status) == -1 && errno == ECHILD);
	signal(SIGCHLD, SIG_DFL);
}

static void kiln_only(void)
{
	pid_t pid = start(NULL, "wait", 0);

	CHECK("runs already", start(NULL, "exit", 0) == -1 && errno == ETXTBSY);
	kill(pid, SIGKILL);
	CHECK("SIGKILL", waitpid(pid, NULL, 0) == pid);
	CHECK("fork", fork() == -1 && errno == ENOSYS);
	CHECK("not a program", execl("/dev/null", "null", (char *)NULL) == -1 && errno == ENOEXEC);
}

/* Is a program called sh in the image? */
static void shell(int there)
{
	char line[32] = "";
	FILE *f;

	if (!there) {
		CHECK("no shell", system("true") == -1 && errno == ENOENT);
		CHECK("no shell to pipe", popen("true", "r") == NULL && errno == ENOENT);
		return;
	}
	CHECK("system", system("told") == 0);
	f = popen("piped", "r");
	CHECK("popen",
	    f != NULL && fgets(line, sizeof(line), f) != NULL && strcmp(line, "piped\n") == 0);
	CHECK("pclose", f != NULL && pclose(f) == 0);
}

int main(int argc, char **argv)
{
	char cwd[64];
	int all = 1, pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	helper = argc > 1 ? argv[1] : "/bin/helper";
	for (int i = 0; i < 3; i++)
		all &= exits("fresh", 0, 0);
	CHECK("data as new", all);
	CHECK("exit status", exits("exit", 42, 42));
	CHECK("ids", exits("ids", getpid(), 0));
	errno = posix_spawnp(&pid, "no-such-program", NULL, NULL, argv, env);
	CHECK("posix_spawnp ENOENT", errno == ENOENT);
	pipes();
	vforks();
	CHECK("threads end", exits("threads", 3, 3));
	CHECK("execve with threads", exits("again", 6, 6));
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, on_child);
	CHECK("ignored signal", exits("action", SIGUSR1, 1));
	CHECK("caught signal", exits("action", SIGUSR2, 2));
	CHECK("directory",
	    exits("chdir", 0, 0) && getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/dev") != 0);
	for (int i = all = 0; i < 12; i++)
		all += exits("memory", 8, 0);
	CHECK("memory comes back", all == 12);
	waits();
	if (argc <= 1) {
		kiln_only();
		shell(getenv("SHELL_BAKED") != NULL);
	}
	return 0;
}
