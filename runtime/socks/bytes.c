#include <config.h>

#include "runtime/socks/function.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_ROOM = 256 };

static bool grow(struct bytes *b, size_t n)
{
	size_t room = b->room ? b->room : LEAST_ROOM;
	uint8_t *at;

	if (n > SIZE_MAX / 4 || b->n > SIZE_MAX / 4)
		return false;
	while (room < b->n + n)
		room *= 2;
	if (!(at = realloc(b->at, room)))
		return false;
	b->at = at;
	b->room = room;
	return true;
}

uint8_t *bytes_more(struct bytes *b, size_t n)
{
	if (b->failed)
		return NULL;
	if ((!b->at || n > b->room - b->n) && !grow(b, n)) {
		b->failed = true;
		return NULL;
	}
	return b->at + b->n;
}

void bytes_add(struct bytes *b, const void *from, size_t n)
{
	uint8_t *to;

	if (!n || !(to = bytes_more(b, n)))
		return;
	memcpy(to, from, n);
	b->n += n;
}

void bytes_take(struct bytes *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	b->n -= n;
	memmove(b->at, b->at + n, b->n);
}

void bytes_free(struct bytes *b)
{
	free(b->at);
	memset(b, 0, sizeof(*b));
}
