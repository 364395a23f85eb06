#include <config.h>

#include "tests/unit/relay_functions.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ---- scrambling ---- */

static void scramble(const struct scrambler *s, uint64_t *n, const uint8_t *in, size_t n_in,
		     struct bytes *out)
{
	for (size_t i = 0; i < n_in; i++) {
		uint8_t c = (uint8_t)(in[i] ^ s->key ^ (uint8_t)*n);

		bytes_add(out, &c, 1);
		if (++*n % 3 == 0)
			bytes_add(out, "#", 1);
	}
}

static enum function_step scramble_bytes(struct function *f, void *state, enum way way,
					 const uint8_t *in, size_t n, bool last, struct bytes *out,
					 char *why)
{
	struct scrambler *s = state;

	(void)f;
	(void)why;
	scramble(s, &s->n[way], in, n, out);
	if (last)
		bytes_add(out, &s->tag, 1);
	return FUNCTION_ON;
}

static void scramble_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct scrambler *s = state;

	(void)f;
	memcpy(s->sent, sent, sizeof(s->sent));
	atomic_fetch_add(&s->closed, 1);
}

const struct function_class scrambling = { .name = "test.scrambling",
					   .bytes = scramble_bytes,
					   .close = scramble_close };

uint8_t *scrambled(const struct scrambler *s, const uint8_t *in, size_t n, size_t *n_out)
{
	struct bytes out = { 0 };
	uint64_t count = 0;

	scramble(s, &count, in, n, &out);
	bytes_add(&out, &s->tag, 1);
	*n_out = out.n;
	return out.at;
}

/* ---- metering ---- */

static size_t meter_admit(struct function *f, void *state, enum way way, size_t n,
			  uint32_t *retry_ms)
{
	struct metering *m = state;
	size_t may = ++m->asked % 3 == 0 ? 0 : m->most;

	(void)f;
	*retry_ms = 1;
	if (may > n)
		may = n;
	m->passed[way] += may;
	return may;
}

const struct function_class meters = { .name = "test.meters", .admit = meter_admit };

/* ---- pausing ---- */

static void *pausing_run(void *arg)
{
	struct pausing *p = arg;
	struct timespec ms = { .tv_nsec = 200000 };

	while (!atomic_load(&p->stop)) {
		nanosleep(&ms, NULL);
		pthread_mutex_lock(&p->lock);
		if (p->wake && atomic_exchange(&p->wanted, false))
			p->wake->wake(p->wake);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

bool pausing_open(struct pausing *p, struct function_wake *wake)
{
	p->wake = wake;
	pthread_mutex_init(&p->lock, NULL);
	return !pthread_create(&p->thread, NULL, pausing_run, p);
}

void pausing_close(struct pausing *p)
{
	atomic_store(&p->stop, true);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
}

static void pausing_end(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct pausing *p = state;

	(void)f;
	(void)sent;
	pthread_mutex_lock(&p->lock);
	p->wake = NULL;
	pthread_mutex_unlock(&p->lock);
}

/* Bytes while it waits come out as '?', so that the test sees them. */
static enum function_step pausing_bytes(struct function *f, void *state, enum way way,
					const uint8_t *in, size_t n, bool last, struct bytes *out,
					char *why)
{
	struct pausing *p = state;

	(void)f;
	(void)last;
	(void)why;
	if (p->waiting[way] && n)
		bytes_add(out, "?", 1);
	p->waiting[way] = n > 0;
	bytes_add(out, in, n);
	if (!n)
		return FUNCTION_ON;
	atomic_fetch_add(&p->pauses, 1);
	atomic_store(&p->wanted, true);
	return FUNCTION_WAIT;
}

const struct function_class pauses = { .name = "test.pauses",
				       .bytes = pausing_bytes,
				       .close = pausing_end };

/* ---- ending ---- */

static enum function_step ending_bytes(struct function *f, void *state, enum way way,
				       const uint8_t *in, size_t n, bool last, struct bytes *out,
				       char *why)
{
	(void)f;
	(void)state;
	(void)way;
	(void)last;
	bytes_add(out, in, n);
	if (!n || !memchr(in, '!', n))
		return FUNCTION_ON;
	strcpy(why, "there was a '!'");
	return FUNCTION_END;
}

const struct function_class ending = { .name = "test.ending", .bytes = ending_bytes };

/* ---- programs ---- */

static bool program_pipe(struct function *f, void *state, enum way way, int *in, int *out)
{
	struct program *p = state;
	posix_spawn_file_actions_t actions;
	int to[2], from[2];

	(void)f;
	if (!p->way[way] || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&p->pids[way], p->arguments[0], &actions, NULL,
			(char *const *)(uintptr_t)p->arguments, environ))
		p->pids[way] = 0;
	posix_spawn_file_actions_destroy(&actions);
	close(to[0]);
	close(from[1]);
	fcntl(to[1], F_SETFL, O_NONBLOCK);
	fcntl(from[0], F_SETFL, O_NONBLOCK);
	*in = to[1];
	*out = from[0];
	return true;
}

void program_reap(struct program *p)
{
	for (int way = 0; way < N_WAYS; way++) {
		if (p->pids[way] <= 0)
			continue;
		kill(p->pids[way], SIGKILL);
		waitpid(p->pids[way], NULL, 0);
	}
}

const struct function_class programs = { .name = "test.programs", .pipe = program_pipe };
