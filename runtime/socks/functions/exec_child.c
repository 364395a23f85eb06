#include <config.h>

#include "runtime/socks/functions/exec_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* ---- in the child, which shares this process's memory until it has become the program: system
 * calls only, and none of the C library's that would tell its threads ---- */

static void reset_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Away from 0 to 2 first, since any of these may be one of the three. */
static bool place_descriptors(const struct exec_job *job)
{
	int at[3] = { job->in, job->out, job->err };

	for (int i = 0; i < 3; i++)
		if ((at[i] = fcntl(at[i], F_DUPFD_CLOEXEC, 3)) < 0)
			return false;
	for (int i = 0; i < 3; i++)
		if (dup2(at[i], i) < 0)
			return false;
	syscall(SYS_close_range, 3U, UINT_MAX, CLOSE_RANGE_CLOEXEC);
	return true;
}

static bool become(const struct exec_user *u)
{
	return !u || (syscall(SYS_setgroups, u->n_groups, u->groups) == 0 &&
		      syscall(SYS_setresgid, u->gid, u->gid, u->gid) == 0 &&
		      syscall(SYS_setresuid, u->uid, u->uid, u->uid) == 0);
}

static _Noreturn void run_child(const struct exec_job *job, int report)
{
	int why;
	ssize_t n;

	setsid();
	if (place_descriptors(job) && (!job->directory || chdir(job->directory) == 0) &&
	    become(job->user)) {
		reset_signals();
		execve(job->path, job->argv, job->environment);
	}
	why = errno;
	n = write(report, &why, sizeof(why));
	_exit(n == sizeof(why) ? 127 : 126);
}

/* ---- in this process ---- */

/* Its frame is all that the child uses of this stack. */
static __attribute__((noinline)) pid_t begin(const struct exec_job *job, int report)
{
	pid_t pid = vfork();

	if (!pid)
		run_child(job, report);
	return pid;
}

/* No handler of ours may run in the child. */
static pid_t begin_without_signals(const struct exec_job *job, int report)
{
	sigset_t all, before;
	pid_t pid;
	int why;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = begin(job, report);
	why = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = why;
	return pid;
}

/* What the child said in place of the program; 0: it runs. */
static int hear(int report)
{
	int why = 0;
	ssize_t n;

	do
		n = read(report, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	return n == sizeof(why) ? why : 0;
}

pid_t exec_spawn(const struct exec_job *job, int *pidfd)
{
	int report[2], why;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	pid = begin_without_signals(job, report[1]);
	why = pid < 0 ? errno : 0;
	close(report[1]);
	if (pid > 0)
		why = hear(report[0]);
	close(report[0]);
	if (pid > 0 && !why && (*pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0) {
		why = errno;
		kill(pid, SIGKILL);
	}
	if (pid > 0 && why)
		waitpid(pid, NULL, 0);
	errno = why;
	return why ? -1 : pid;
}
