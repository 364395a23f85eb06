#include <config.h>

#include "runtime/core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/core/text.h"

static const char *const levels[] = { "error", "warning", "info", "debug" };

enum { TIME_SIZE = 32 };

static void time_text(char buf[TIME_SIZE])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(buf, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	buf[n++] = '.';
	for (int i = 0, unit = 100; i < 3; i++, unit /= 10)
		buf[n++] = (char)('0' + now.tv_nsec / 1000000 / unit % 10);
	buf[n++] = 'Z';
	buf[n] = '\0';
}

/* Whether a reader of key=value takes it as one word. */
static bool is_plain(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./:,+@%[]~*";

	return *s && !s[strspn(s, plain)];
}

static void put_pairs(struct text *line, va_list args)
{
	const char *key, *value;

	while ((key = va_arg(args, const char *))) {
		value = va_arg(args, const char *);
		text_printf(line, " %s=", key);
		if (value && is_plain(value))
			text_puts(line, value);
		else
			text_json(line, value ? value : "");
	}
}

static void put_pairs_json(struct text *line, va_list args)
{
	const char *key, *value;

	while ((key = va_arg(args, const char *))) {
		value = va_arg(args, const char *);
		text_puts(line, ",");
		text_json(line, key);
		text_puts(line, ":");
		if (value)
			text_json(line, value);
		else
			text_puts(line, "null");
	}
}

static void put_head(const struct log *log, struct text *line, const char *level, const char *event,
		     const char *message)
{
	char when[TIME_SIZE] = "";

	if (log->times)
		time_text(when);
	text_printf(line, "%s%s%s %s ", when, log->times ? " " : "", level, event);
	text_json(line, message);
}

static void put_head_json(const struct log *log, struct text *line, const char *level,
			  const char *event, const char *message)
{
	char when[TIME_SIZE];

	text_puts(line, "{");
	if (log->times) {
		time_text(when);
		text_printf(line, "\"time\":\"%s\",", when);
	}
	text_printf(line, "\"level\":\"%s\",\"event\":", level);
	text_json(line, event);
	text_puts(line, ",\"message\":");
	text_json(line, message);
}

/* A log that cannot be written is nobody's business but its reader's. */
static void write_line(int fd, const char *line, size_t n)
{
	while (write(fd, line, n) < 0 && errno == EINTR)
		;
}

void log_event(const struct log *log, enum log_level level, const char *event, const char *message,
	       ...)
{
	static const char failed[] = "error log \"memory is exhausted\"\n";
	struct text line = { 0 };
	va_list args;

	if (level > log->most)
		return;
	va_start(args, message);
	if (log->json) {
		put_head_json(log, &line, levels[level], event, message);
		put_pairs_json(&line, args);
		text_puts(&line, "}\n");
	} else {
		put_head(log, &line, levels[level], event, message);
		put_pairs(&line, args);
		text_puts(&line, "\n");
	}
	va_end(args);
	if (line.failed)
		write_line(log->fd, failed, sizeof(failed) - 1);
	else
		write_line(log->fd, line.at, line.n);
	text_free(&line);
}
