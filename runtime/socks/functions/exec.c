/* `exec`: pipes the bytes of a connection through external programs, one process per connection and
 * way.
 *
 *	"forward"      ["PROGRAM", "ARGUMENT", ...]: what the bytes to the server go through
 *	"back"         the same for those to the client; a way without program passes by, one of
 *			 them there must be
 *	"environment"  {"NAME": "VALUE"}, beside PATH and the facts: EPIC_APPLICATION, EPIC_FROM,
 *			 EPIC_TO, EPIC_SOURCE, EPIC_DESTINATION, EPIC_WAY, EPIC_FUNCTION
 *	"directory"    to run in
 *	"user"         to run as; needs root
 *	"stderr"       "log": line by line into the log (as it is missing), or "null"
 *	"most"         processes at once (256); connections beyond are refused
 *	"grace_ms"     (2000) between SIGTERM, when the connection closes, and SIGKILL
 *
 * Programs are started when the connection opens; it is refused if one cannot be.  The group of a
 * process ends with its connection.  A thread of the function's own waits for them by their pidfds,
 * so that no SIGCHLD is needed. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/socks/functions/exec_child.h"
#include "runtime/socks/functions/function_settings.h"
#include "runtime/socks/functions/pace.h"
#include "runtime/socks/functions/rows.h"

enum {
	MOST_ARGUMENTS = 64,
	MOST_VARIABLES = 64,
	FACTS = 8,
	LINE = 400,
	MOST_LINES = 100,
	EVENTS = 64
};

static const char *const way_names[N_WAYS] = { "forward", "back" };

struct program {
	char *path;                     /* NULL: this way passes by */
	char *argv[MOST_ARGUMENTS + 1]; /* ends with NULL */
};

/* A descriptor of a child that the thread listens to. */
struct ear {
	struct child *child; /* NULL: the function is to be looked at */
	int fd;              /* -1: closed */
};

struct child {
	struct child *next, **link;
	pid_t pid;
	struct ear end, err;
	enum way way;
	uint64_t connection;
	bool reaped, closed; /* freed when it is both */
	bool told;           /* SIGTERM */
	uint64_t kill_at;    /* ns; 0: not */
	char line[LINE + 1];
	size_t n_line, lines;
};

struct function {
	struct function_site site;
	char *name;
	struct program programs[N_WAYS];
	char *variables[MOST_VARIABLES + 1];
	size_t n_variables;
	char *directory;
	bool has_user, quiet;
	struct exec_user user;
	size_t most;
	uint64_t grace; /* ns */

	pthread_mutex_t lock;
	pthread_t thread;
	bool runs; /* the thread */
	int epoll;
	struct ear bell;
	struct child *children; /* not reaped */
	bool ending;
	size_t running;
	uint64_t started, failed, killed, refused;
};

struct visit {
	struct child *children[N_WAYS];
	int in[N_WAYS], out[N_WAYS]; /* until the relay has them */
};

/* ---- the thread ---- */

static void say(const struct function *f, const struct child *c, enum log_level level,
		const char *what, const char *status)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, c->connection);
	log_event(f->site.log, level, "exec", what, "function", f->name, "connection", number,
		  "way", way_names[c->way], status ? "status" : NULL, status, NULL);
}

static void say_line(const struct function *f, struct child *c)
{
	c->line[c->n_line] = '\0';
	if (c->n_line && ++c->lines <= MOST_LINES)
		say(f, c, LOG_LEVEL_INFO, c->line, NULL);
	if (c->n_line && c->lines == MOST_LINES)
		say(f, c, LOG_LEVEL_WARNING, "further lines are left out", NULL);
	c->n_line = 0;
}

/* Out of epoll by hand: a process that is just being started has a copy of the descriptor, so that
 * closing alone would leave it there for a moment. */
static void close_ear(const struct function *f, struct ear *e)
{
	if (e->fd < 0)
		return;
	epoll_ctl(f->epoll, EPOLL_CTL_DEL, e->fd, NULL);
	close(e->fd);
	e->fd = -1;
}

/* What the program wrote on standard error.  ROUNDS bounds what one of them can keep us at. */
static void hear_errors(const struct function *f, struct child *c, int rounds)
{
	char bytes[4096];
	ssize_t n = -1;

	while (rounds-- && (n = read(c->err.fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] != '\n' && c->n_line < LINE)
				c->line[c->n_line++] = bytes[i];
			if (bytes[i] == '\n')
				say_line(f, c);
		}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		say_line(f, c);
		close_ear(f, &c->err);
	}
}

/* Whatever is left of its group goes with it once its connection has closed; until it is reaped
 * its number is nobody else's. */
static void reap(struct function *f, struct child *c)
{
	siginfo_t info = { 0 };
	char status[48];
	bool failed;

	if (c->told)
		kill(-c->pid, SIGKILL);
	if (waitid(P_PIDFD, (id_t)c->end.fd, &info, WEXITED | WNOHANG) == 0 && !info.si_pid)
		return;
	failed = info.si_pid && !c->told && (info.si_code != CLD_EXITED || info.si_status);
	snprintf(status, sizeof(status), "%s %d", info.si_code == CLD_EXITED ? "exit" : "signal",
		 info.si_status);
	if (c->err.fd >= 0)
		hear_errors(f, c, 16);
	if (c->err.fd >= 0)
		say_line(f, c);
	if (failed)
		say(f, c, LOG_LEVEL_WARNING, "the program failed", status);
	close_ear(f, &c->end);
	close_ear(f, &c->err);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->reaped = true;
	f->failed += failed;
	f->running--;
	if (c->closed)
		free(c);
}

static void tell(struct function *f, struct child *c)
{
	if (c->told)
		return;
	c->told = true;
	c->kill_at = pace_now() + f->grace;
	kill(-c->pid, SIGTERM);
}

/* Kills whose time is over; returns how long to wait for the next, -1: for ever. */
static int look_after(struct function *f)
{
	uint64_t now = pace_now(), first = UINT64_MAX;

	for (struct child *c = f->children; c; c = c->next) {
		if (f->ending)
			tell(f, c);
		if (c->kill_at && c->kill_at <= now) {
			kill(-c->pid, SIGKILL);
			f->killed++;
			c->kill_at = 0;
		}
		if (c->kill_at && c->kill_at < first)
			first = c->kill_at;
	}
	return first == UINT64_MAX ? -1 : (int)((first - now) / 1000000 + 1);
}

/* The ends come behind the errors of the same batch, since they free the child. */
static void handle(struct function *f, const struct epoll_event *events, int n)
{
	struct child *ended[EVENTS];
	eventfd_t rung;
	int n_ended = 0;

	for (int i = 0; i < n; i++) {
		const struct ear *e = events[i].data.ptr;

		if (!e->child)
			eventfd_read(e->fd, &rung);
		else if (e == &e->child->end)
			ended[n_ended++] = e->child;
		else if (e->fd >= 0)
			hear_errors(f, e->child, 1);
	}
	for (int i = 0; i < n_ended; i++)
		reap(f, ended[i]);
}

static void *run(void *arg)
{
	struct function *f = arg;
	struct epoll_event events[EVENTS];
	int wait, n;

	pthread_mutex_lock(&f->lock);
	while (!f->ending || f->children) {
		wait = look_after(f);
		pthread_mutex_unlock(&f->lock);
		n = epoll_wait(f->epoll, events, EVENTS, wait);
		pthread_mutex_lock(&f->lock);
		handle(f, events, n);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void ring(struct function *f)
{
	eventfd_write(f->bell.fd, 1);
}

/* ---- settings ---- */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* A name without `/` is looked up in PATH once. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *found = NULL;

	if (strchr(name, '/'))
		return *name == '/' && is_program(name) ? strdup(name) : NULL;
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path && !found;) {
		int n = (int)strcspn(path, ":");

		if (asprintf(&found, "%.*s/%s", n, path, name) < 0)
			return NULL;
		if (*found != '/' || !is_program(found)) {
			free(found);
			found = NULL;
		}
		path += n + (path[n] == ':');
	}
	return found;
}

static bool read_program(const struct tree_node *settings, enum way way, struct program *p,
			 struct tree_error *error)
{
	const struct tree_node *list;
	const char *text;

	if (!tree_member(settings, way_names[way]))
		return true;
	if (!tree_list(settings, way_names[way], &list, error))
		return false;
	if (!list->n_items || list->n_items > MOST_ARGUMENTS)
		return tree_fail(list, NULL, "has no program, or too many arguments", error);
	for (size_t i = 0; i < list->n_items; i++)
		if (!tree_text(&list->items[i], NULL, &text, error) || !(p->argv[i] = strdup(text)))
			return false;
	p->path = find_program(p->argv[0]);
	return p->path || tree_fail(&list->items[0], NULL, "is no program", error);
}

static bool add_variable(struct function *f, const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return false;
	f->variables[f->n_variables++] = text;
	return true;
}

static bool read_environment(struct function *f, const struct tree_node *settings,
			     struct tree_error *error)
{
	const char *path = getenv("PATH"), *value;
	const struct tree_node *object;

	if (!add_variable(f, "PATH", path ? path : "/usr/local/bin:/usr/bin:/bin"))
		return false;
	if (!tree_member(settings, "environment"))
		return true;
	if (!tree_object(settings, "environment", &object, error))
		return false;
	if (object->n_items > MOST_VARIABLES - FACTS)
		return tree_fail(object, NULL, "has too many members", error);
	for (size_t i = 0; i < object->n_items; i++) {
		const struct tree_node *item = &object->items[i];

		if (!*item->key || strchr(item->key, '='))
			return tree_fail(item, NULL, "is no name of a variable", error);
		if (!tree_text(item, NULL, &value, error) || !add_variable(f, item->key, value))
			return false;
	}
	return true;
}

static bool read_user(struct function *f, const struct tree_node *settings,
		      struct tree_error *error)
{
	const char *name = NULL;
	struct passwd room, *found = NULL;
	char texts[4096];
	int n = EXEC_MOST_GROUPS;

	if (!settings_text(settings, "user", &name, error))
		return false;
	if (!name)
		return true;
	if (getpwnam_r(name, &room, texts, sizeof(texts), &found) || !found)
		return tree_fail(settings, "user", "is no user of this machine", error);
	if (getgrouplist(name, found->pw_gid, f->user.groups, &n) < 0)
		return tree_fail(settings, "user", "has too many groups", error);
	f->user.uid = found->pw_uid;
	f->user.gid = found->pw_gid;
	f->user.n_groups = (size_t)n;
	f->has_user = geteuid() != f->user.uid;
	return !f->has_user || geteuid() == 0 ||
	       tree_fail(settings, "user", "is another one, which needs root", error);
}

static bool read_directory(struct function *f, const struct tree_node *settings,
			   struct tree_error *error)
{
	const char *directory = NULL;

	if (!settings_text(settings, "directory", &directory, error))
		return false;
	if (directory && access(directory, X_OK) < 0)
		return tree_fail(settings, "directory", strerror(errno), error);
	return !directory || (f->directory = strdup(directory));
}

static bool read_settings(struct function *f, const struct tree_node *settings,
			  struct tree_error *error)
{
	static const char *const keys[] = { "forward", "back", "environment", "directory", "user",
					    "stderr",  "most", "grace_ms",    NULL };
	static const char *const errors[] = { "log", "null", NULL };
	size_t quiet = 0;
	int64_t most = 256, grace = 2000;

	if (!settings) {
		snprintf(error->text, sizeof(error->text), "forward is missing");
		return false;
	}
	if (!settings_only(settings, keys, error) ||
	    !read_program(settings, WAY_FORWARD, &f->programs[WAY_FORWARD], error) ||
	    !read_program(settings, WAY_BACK, &f->programs[WAY_BACK], error) ||
	    !read_environment(f, settings, error) || !read_directory(f, settings, error) ||
	    !read_user(f, settings, error) ||
	    !settings_choice(settings, "stderr", errors, &quiet, error) ||
	    !settings_integer(settings, "most", 1, 100000, &most, error) ||
	    !settings_integer(settings, "grace_ms", 0, 3600000, &grace, error))
		return false;
	if (!f->programs[WAY_FORWARD].path && !f->programs[WAY_BACK].path)
		return tree_fail(settings, NULL, "has neither forward nor back", error);
	f->quiet = quiet;
	f->most = (size_t)most;
	f->grace = (uint64_t)grace * 1000000;
	return true;
}

/* ---- making ---- */

static void free_settings(struct function *f)
{
	for (enum way w = 0; w < N_WAYS; w++) {
		free(f->programs[w].path);
		for (size_t i = 0; f->programs[w].argv[i]; i++)
			free(f->programs[w].argv[i]);
	}
	for (size_t i = 0; i < f->n_variables; i++)
		free(f->variables[i]);
	free(f->directory);
	free(f->name);
}

static void exec_release(struct function *f)
{
	if (!f)
		return;
	if (f->runs) {
		pthread_mutex_lock(&f->lock);
		f->ending = true;
		pthread_mutex_unlock(&f->lock);
		ring(f);
		pthread_join(f->thread, NULL);
	}
	if (f->bell.fd >= 0)
		close(f->bell.fd);
	if (f->epoll >= 0)
		close(f->epoll);
	pthread_mutex_destroy(&f->lock);
	free_settings(f);
	free(f);
}

static bool listen_to(struct function *f, struct ear *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = e };

	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, e->fd, &event) == 0;
}

static bool start_thread(struct function *f)
{
	sigset_t all, before;

	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->bell.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->epoll < 0 || f->bell.fd < 0 || !listen_to(f, &f->bell))
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = pthread_create(&f->thread, NULL, run, f);
	f->runs = !errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return f->runs;
}

static struct function *exec_make(const struct function_site *site, const char *name,
				  const struct tree_node *settings, struct function *was,
				  struct function_error *error)
{
	struct function *f = calloc(1, sizeof(*f));
	struct tree_error problem = { "memory is exhausted" };

	(void)was; /* its processes end with its connections */
	if (!f)
		return settings_refuse(problem.text, error);
	pthread_mutex_init(&f->lock, NULL);
	f->epoll = f->bell.fd = -1;
	f->site = *site;
	f->name = strdup(name);
	if (f->name && read_settings(f, settings, &problem)) {
		if (start_thread(f))
			return f;
		snprintf(problem.text, sizeof(problem.text), "%s", strerror(errno));
	}
	exec_release(f);
	return settings_refuse(problem.text, error);
}

/* ---- starting ---- */

static void put_variable(struct text *t, const char *name, const char *value)
{
	text_printf(t, "%s=%s", name, value ? value : "");
	text_add(t, "", 1);
}

static void put_facts(struct text *t, const struct function_facts *facts, enum way way)
{
	char address[WIRE_TEXT_ROOM];

	put_variable(t, "EPIC_APPLICATION", facts->application);
	put_variable(t, "EPIC_FROM", facts->from);
	put_variable(t, "EPIC_TO", facts->to);
	address[wire_address_text(&facts->source, address, sizeof(address))] = '\0';
	put_variable(t, "EPIC_SOURCE", address);
	address[wire_address_text(&facts->destination, address, sizeof(address))] = '\0';
	put_variable(t, "EPIC_DESTINATION", address);
	put_variable(t, "EPIC_WAY", way_names[way]);
	put_variable(t, "EPIC_FUNCTION", facts->function);
}

struct pipes {
	int in[2], out[2], err[2];
};

static void close_two(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void close_pipes(struct pipes *p)
{
	close_two(p->in);
	close_two(p->out);
	close_two(p->err);
}

static bool unblock(int fd)
{
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

/* err[0] is ours; without it the program's goes nowhere. */
static bool open_pipes(const struct function *f, struct pipes *p)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(p->in, O_CLOEXEC) < 0 || pipe2(p->out, O_CLOEXEC) < 0 || !unblock(p->in[1]) ||
	    !unblock(p->out[0]))
		return false;
	if (!f->quiet)
		return pipe2(p->err, O_CLOEXEC) == 0 && unblock(p->err[0]);
	p->err[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return p->err[1] >= 0;
}

static pid_t spawn(const struct function *f, const struct function_facts *facts, enum way way,
		   const struct pipes *p, int *pidfd)
{
	struct text t = { 0 };
	char *environment[MOST_VARIABLES + FACTS + 1];
	size_t n = 0;
	struct exec_job job = { .path = f->programs[way].path,
				.argv = f->programs[way].argv,
				.environment = environment,
				.directory = f->directory,
				.user = f->has_user ? &f->user : NULL,
				.in = p->in[0],
				.out = p->out[1],
				.err = p->err[1] };
	pid_t pid = -1;

	put_facts(&t, facts, way);
	for (; n < f->n_variables; n++)
		environment[n] = f->variables[n];
	for (size_t at = 0; !t.failed && at < t.n; at += strlen(t.at + at) + 1)
		environment[n++] = t.at + at;
	environment[n] = NULL;
	errno = ENOMEM;
	if (!t.failed)
		pid = exec_spawn(&job, pidfd);
	text_free(&t);
	return pid;
}

/* Under the lock.  False: nobody would hear of its end. */
static bool add_child(struct function *f, struct child *c)
{
	if (!listen_to(f, &c->end))
		return false;
	if (c->err.fd >= 0 && !listen_to(f, &c->err))
		close_ear(f, &c->err);
	c->next = f->children;
	c->link = &f->children;
	if (c->next)
		c->next->link = &c->next;
	f->children = c;
	f->started++;
	return true;
}

static void undo_child(struct child *c)
{
	int why = errno;

	kill(-c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	close(c->end.fd);
	if (c->err.fd >= 0)
		close(c->err.fd);
	free(c);
	errno = why;
}

/* NULL: errno. */
static struct child *start_child(struct function *f, const struct function_facts *facts,
				 enum way way, struct pipes *p)
{
	struct child *c = calloc(1, sizeof(*c));
	bool added;

	if (!c)
		return NULL;
	c->way = way;
	c->connection = facts->connection;
	c->end = (struct ear){ c, -1 };
	c->err = (struct ear){ c, -1 };
	c->pid = spawn(f, facts, way, p, &c->end.fd);
	if (c->pid < 0) {
		free(c);
		return NULL;
	}
	c->err.fd = p->err[0];
	p->err[0] = -1;
	pthread_mutex_lock(&f->lock);
	added = add_child(f, c);
	pthread_mutex_unlock(&f->lock);
	if (added)
		return c;
	undo_child(c);
	return NULL;
}

static bool start_way(struct function *f, const struct function_facts *facts, enum way way,
		      struct visit *v)
{
	struct pipes p;
	int why;

	if (open_pipes(f, &p) && (v->children[way] = start_child(f, facts, way, &p))) {
		v->in[way] = p.in[1];
		v->out[way] = p.out[0];
		p.in[1] = p.out[0] = -1;
	}
	why = errno;
	close_pipes(&p);
	errno = why;
	return v->children[way];
}

/* ---- connections ---- */

static void exec_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct visit *v = state;

	(void)sent;
	pthread_mutex_lock(&f->lock);
	for (enum way w = 0; w < N_WAYS; w++) {
		struct child *c = v->children[w];

		close_two((int[2]){ v->in[w], v->out[w] });
		if (!c)
			continue;
		c->closed = true;
		if (c->reaped)
			free(c);
		else
			tell(f, c);
	}
	pthread_mutex_unlock(&f->lock);
	ring(f);
	free(v);
}

/* Books the room for the processes. */
static bool may_start(struct function *f, size_t n)
{
	bool ok;

	pthread_mutex_lock(&f->lock);
	ok = f->running + n <= f->most;
	f->running += ok ? n : 0;
	pthread_mutex_unlock(&f->lock);
	return ok;
}

static struct visit *start_all(struct function *f, const struct function_facts *facts, char *why)
{
	struct visit *v = calloc(1, sizeof(*v));
	size_t missing = 0;

	for (enum way w = 0; v && w < N_WAYS; w++)
		v->in[w] = v->out[w] = -1;
	for (enum way w = 0; w < N_WAYS; w++) {
		if (!f->programs[w].path)
			continue;
		if (!missing && v && start_way(f, facts, w, v))
			continue;
		if (!missing++)
			snprintf(why, 256, "%.150s cannot be started: %.80s", f->programs[w].path,
				 v ? strerror(errno) : "memory is exhausted");
	}
	if (!missing)
		return v;
	pthread_mutex_lock(&f->lock);
	f->running -= missing;
	pthread_mutex_unlock(&f->lock);
	if (v)
		exec_close(f, v, NULL);
	return NULL;
}

static bool exec_open(struct function *f, const struct function_facts *facts,
		      struct function_wake *wake, void **state, char *why)
{
	size_t n = 0;
	struct visit *v = NULL;

	(void)wake;
	for (enum way w = 0; w < N_WAYS; w++)
		n += f->programs[w].path != NULL;
	if (facts->protocol != IPPROTO_TCP)
		snprintf(why, 256, "a program takes no datagrams");
	else if (!may_start(f, n))
		snprintf(why, 256, "%zu programs run, the most that may", f->most);
	else
		v = start_all(f, facts, why);
	if (!v) {
		pthread_mutex_lock(&f->lock);
		f->refused++;
		pthread_mutex_unlock(&f->lock);
	}
	*state = v;
	return v;
}

static bool exec_pipe(struct function *f, void *state, enum way way, int *in, int *out)
{
	struct visit *v = state;

	(void)f;
	if (!v->children[way])
		return false;
	*in = v->in[way];
	*out = v->out[way];
	v->in[way] = v->out[way] = -1;
	return true;
}

static void exec_status(struct function *f, struct text *t)
{
	pthread_mutex_lock(&f->lock);
	text_printf(t,
		    "\"started\": %" PRIu64 ", \"running\": %zu, \"failed\": %" PRIu64
		    ", \"killed\": %" PRIu64 ", \"refused\": %" PRIu64,
		    f->started, f->running, f->failed, f->killed, f->refused);
	pthread_mutex_unlock(&f->lock);
}

const struct function_class function_exec = {
	.name = "exec",
	.summary = "pipes each way through an external program",
	.make = exec_make,
	.release = exec_release,
	.open = exec_open,
	.close = exec_close,
	.pipe = exec_pipe,
	.status = exec_status,
};
