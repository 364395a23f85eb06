/* A growing text in memory, and the one way to put it into a file.
 *
 * Files appear whole or not at all: they are written beside under a temporary
 * name, flushed, and renamed into place. */
#ifndef EPIC_BASE_SINK_H
#define EPIC_BASE_SINK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct sink {
	char *data; /* always ends with a NUL that is not counted, once written to */
	size_t size, cap;
};

void sink_put(struct sink *, const void *, size_t size);
void sink_puts(struct sink *, const char *);
void sink_putc(struct sink *, char);
void sink_printf(struct sink *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sink_vprintf(struct sink *, const char *fmt, va_list);
/* N blanks. */
void sink_pad(struct sink *, size_t n);
void sink_free(struct sink *);

/* Writes S to PATH, creating the directories above it.  On failure returns
 * false with errno set and leaves PATH as it was. */
bool file_write(const char *path, const struct sink *s);
/* Reads a whole file into S.  False with errno set; EISDIR for a directory. */
bool file_read(const char *path, struct sink *s);
/* Creates PATH and what is missing above it. */
bool dir_create(const char *path);

#endif
