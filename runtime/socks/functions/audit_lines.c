#include <config.h>

#include "runtime/socks/functions/audit_lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* More bytes behind those that are there.  False: there are none. */
static bool fill(struct audit_lines *l)
{
	ssize_t n;

	memmove(l->bytes, l->bytes + l->at, l->n - l->at);
	l->n -= l->at;
	l->at = 0;
	if (l->n == sizeof(l->bytes))
		return false;
	do
		n = read(l->fd, l->bytes + l->n, sizeof(l->bytes) - l->n);
	while (n < 0 && errno == EINTR);
	l->bad = l->bad || n < 0;
	l->n += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* To behind the next LF. */
static void skip_line(struct audit_lines *l)
{
	char *lf;

	do {
		lf = memchr(l->bytes + l->at, '\n', l->n - l->at);
		l->at = lf ? (size_t)(lf - l->bytes) + 1 : l->n;
	} while (!lf && fill(l));
}

bool audit_lines_next(struct audit_lines *l, const char **line, size_t *n, bool *ended)
{
	const char *lf;

	if (l->skipping)
		skip_line(l);
	l->skipping = false;
	lf = memchr(l->bytes + l->at, '\n', l->n - l->at);
	while (!lf && l->n - l->at <= AUDIT_MOST_LINE && fill(l))
		lf = memchr(l->bytes + l->at, '\n', l->n - l->at);
	*line = l->bytes + l->at;
	*n = lf ? (size_t)(lf - *line) : l->n - l->at;
	*ended = lf;
	if (lf) {
		l->at += *n + 1;
		return true;
	}
	if (!*n)
		return false;
	l->at = l->n;
	l->skipping = *n > AUDIT_MOST_LINE;
	return true;
}
