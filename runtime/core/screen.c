#include <config.h>

#include "runtime/core/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/core/text.h"

#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define END_OF_LINE "\033[K"
#define END_OF_SCREEN "\033[J"

enum { USUAL_WIDTH = 80, USUAL_HEIGHT = 24 };

struct screen {
	bool draws, keys;
	bool raw;    /* standard input is not as it was */
	int signals; /* a signalfd */
	sigset_t before;
	struct termios termios; /* as it was */
};

bool screen_is_there(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

static bool write_all(const char *bytes, size_t n)
{
	while (n) {
		ssize_t written = write(STDOUT_FILENO, bytes, n);

		if (written < 0 && errno != EINTR)
			return false;
		bytes += written > 0 ? written : 0;
		n -= written > 0 ? (size_t)written : 0;
	}
	return true;
}

static void enter(struct screen *s)
{
	struct termios raw = s->termios;

	if (s->keys) {
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		s->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	if (s->draws)
		write_all(ENTER, sizeof(ENTER) - 1);
}

static void leave(struct screen *s)
{
	if (s->draws)
		write_all(LEAVE, sizeof(LEAVE) - 1);
	if (s->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->termios);
	s->raw = false;
}

struct screen *screen_open(bool draws)
{
	static const int heeded[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };
	struct screen *s = calloc(1, sizeof(*s));
	sigset_t set;

	if (!s)
		return NULL;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(heeded) / sizeof(*heeded); i++)
		if (draws || (heeded[i] != SIGWINCH && heeded[i] != SIGTSTP))
			sigaddset(&set, heeded[i]);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0) {
		free(s);
		return NULL;
	}
	sigprocmask(SIG_BLOCK, &set, &s->before);
	s->draws = draws;
	/* In the background to read the keys would stop us. */
	s->keys = draws && tcgetattr(STDIN_FILENO, &s->termios) == 0 &&
		  tcgetpgrp(STDIN_FILENO) == getpgrp();
	enter(s);
	return s;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	leave(s);
	close(s->signals);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	free(s);
}

void screen_size(const struct screen *s, size_t *width, size_t *height)
{
	struct winsize size;
	bool known = s->draws && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

	*width = known && size.ws_col ? size.ws_col : USUAL_WIDTH;
	*height = known && size.ws_row ? size.ws_row : USUAL_HEIGHT;
}

static const char *skip_lines(const char *text, size_t n)
{
	for (; n && *text; n--)
		text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
	return text;
}

bool screen_draw(struct screen *s, const char *text, size_t first)
{
	struct text out = { 0 };
	size_t width, height, i;
	bool ok;

	screen_size(s, &width, &height);
	text = skip_lines(text, first);
	text_puts(&out, HOME);
	for (i = 0; i < height && *text; i++) {
		size_t n = strcspn(text, "\n");

		text_puts(&out, i ? "\r\n" : "");
		text_add(&out, text, n < width ? n : width);
		/* Behind a full line the cursor still stands on its last column. */
		text_puts(&out, n < width ? END_OF_LINE : "");
		text = skip_lines(text, 1);
	}
	if (i < height)
		text_puts(&out, i ? "\r\n" END_OF_SCREEN : END_OF_SCREEN);
	ok = !out.failed && write_all(out.at, out.n);
	text_free(&out);
	return ok;
}

/* ---- waiting ---- */

/* The terminal is given back while we are stopped. */
static enum screen_event stop(struct screen *s)
{
	leave(s);
	raise(SIGSTOP);
	enter(s);
	return SCREEN_RESIZED;
}

static enum screen_event take_signal(struct screen *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return SCREEN_TIME;
	switch (info.ssi_signo) {
	case SIGWINCH:
		return SCREEN_RESIZED;
	case SIGTSTP:
		return stop(s);
	default:
		return SCREEN_END;
	}
}

static enum screen_event take_key(struct screen *s)
{
	static const struct {
		const char *bytes;
		enum screen_event event;
	} keys[] = {
		{ "q", SCREEN_END },
		{ "Q", SCREEN_END },
		{ "\033[A", SCREEN_UP },
		{ "\033OA", SCREEN_UP },
		{ "k", SCREEN_UP },
		{ "\033[B", SCREEN_DOWN },
		{ "\033OB", SCREEN_DOWN },
		{ "j", SCREEN_DOWN },
		{ "\033[5~", SCREEN_PAGE_UP },
		{ "\033[6~", SCREEN_PAGE_DOWN },
		{ " ", SCREEN_PAGE_DOWN },
		{ "\033[H", SCREEN_TOP },
		{ "g", SCREEN_TOP },
	};
	char bytes[16];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes) - 1);

	if (n <= 0) {
		s->keys = n < 0 && (errno == EINTR || errno == EAGAIN);
		return SCREEN_TIME;
	}
	bytes[n] = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strncmp(bytes, keys[i].bytes, strlen(keys[i].bytes)))
			return keys[i].event;
	return SCREEN_TIME;
}

enum screen_event screen_wait(struct screen *s, int milliseconds)
{
	struct pollfd polled[2] = { { s->signals, POLLIN, 0 },
				    { s->keys ? STDIN_FILENO : -1, POLLIN, 0 } };

	if (poll(polled, 2, milliseconds) <= 0)
		return SCREEN_TIME;
	if (polled[0].revents)
		return take_signal(s);
	return take_key(s);
}
