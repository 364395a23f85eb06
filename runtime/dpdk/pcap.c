#include <config.h>

#include "runtime/dpdk/pcap.h"

#include <byteswap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETHERNET = 1 };
enum {
	MAGIC_MICRO = 0xa1b2c3d4u,
	MAGIC_NANO = 0xa1b23c4du,
	MAGIC_MODIFIED = 0xa1b2cd34u,
	MAGIC_NG = 0x0a0d0d0au
};

struct reader {
	const uint8_t *at, *end;
	bool swapped;
	uint32_t unit;  /* nanoseconds of one fraction */
	uint32_t check; /* bytes of the frame check sequence at each frame's end */
};

static bool pcap_fail(struct pcap_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool pcap_fail(struct pcap_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

static uint32_t word_at(const struct reader *r, size_t offset)
{
	uint32_t word;

	memcpy(&word, r->at + offset, sizeof(word));
	return r->swapped ? bswap_32(word) : word;
}

static bool read_magic(struct reader *r, struct pcap_error *error)
{
	uint32_t magic = word_at(r, 0);

	r->swapped = magic == bswap_32(MAGIC_MICRO) || magic == bswap_32(MAGIC_NANO) ||
		     magic == bswap_32(MAGIC_MODIFIED);
	magic = word_at(r, 0);
	r->unit = magic == MAGIC_NANO ? 1 : 1000;
	if (magic == MAGIC_MICRO || magic == MAGIC_NANO)
		return true;
	if (magic == MAGIC_NG)
		return pcap_fail(error, "it is a pcapng file; convert it: "
					"editcap -F nsecpcap IN OUT");
	if (magic == MAGIC_MODIFIED)
		return pcap_fail(error, "it is of the modified pcap format; convert it: "
					"editcap -F nsecpcap IN OUT");
	return pcap_fail(error, "it is no pcap file");
}

/* The upper half of the link type may say how long the frame check sequences are. */
static bool read_link(struct reader *r, struct pcap_error *error)
{
	uint32_t link = word_at(r, 20);

	if ((link & 0xffff) != ETHERNET)
		return pcap_fail(error, "its link type is %u; only Ethernet (1) can be replayed",
				 link & 0xffff);
	r->check = link & 1u << 26 ? (link >> 28) * 2 : 0;
	return true;
}

static bool read_head(struct reader *r, struct pcap_error *error)
{
	if (r->end - r->at < 4)
		return pcap_fail(error, "it is no pcap file");
	if (!read_magic(r, error))
		return false;
	if (r->end - r->at < PCAP_FILE_HEADER)
		return pcap_fail(error, "it ends within its header");
	if (!read_link(r, error))
		return false;
	r->at += PCAP_FILE_HEADER;
	return true;
}

static bool add_frame(struct pcap *p, const struct pcap_frame *frame, size_t *room)
{
	if (p->n == *room) {
		size_t more = *room ? *room * 2 : 64;
		struct pcap_frame *frames = reallocarray(p->frames, more, sizeof(*frames));

		if (!frames)
			return false;
		p->frames = frames;
		*room = more;
	}
	p->frames[p->n++] = *frame;
	return true;
}

/* The frame at the reader's place; false: there is none, or no whole one. */
static bool read_frame(struct reader *r, struct pcap_frame *frame)
{
	uint32_t captured, said;

	if (r->end - r->at < PCAP_FRAME_HEADER)
		return false;
	frame->ns = (uint64_t)word_at(r, 0) * 1000000000 + (uint64_t)word_at(r, 4) * r->unit;
	captured = word_at(r, 8);
	said = word_at(r, 12);
	if (captured > PCAP_SNAPLEN_MOST || captured > r->end - r->at - PCAP_FRAME_HEADER)
		return false;
	frame->bytes = r->at + PCAP_FRAME_HEADER;
	frame->size = captured;
	/* The check sequence is at the end of the whole frame, which may have been cut before. */
	if (captured >= said)
		frame->size -= r->check < captured ? r->check : captured;
	r->at += PCAP_FRAME_HEADER + captured;
	return true;
}

static bool is_usable(struct pcap *p, const struct pcap_frame *frame)
{
	p->empty += frame->size == 0;
	p->too_long += frame->size > PCAP_LONGEST;
	return frame->size && frame->size <= PCAP_LONGEST;
}

/* Clocks that were set back while the file was written do not hold up its replay. */
static void pass_time(struct pcap *p, uint64_t *first, struct pcap_frame *frame)
{
	uint64_t last = p->n ? p->frames[p->n - 1].ns : 0;

	if (!p->n)
		*first = frame->ns;
	frame->ns = frame->ns > *first ? frame->ns - *first : 0;
	if (frame->ns < last)
		frame->ns = last;
}

bool pcap_read(const uint8_t *bytes, size_t size, struct pcap *p, struct pcap_error *error)
{
	struct reader r = { .at = bytes, .end = bytes + size };
	struct pcap_frame frame;
	uint64_t first = 0;
	size_t room = 0;

	*p = (struct pcap){ 0 };
	if (!read_head(&r, error))
		return false;
	while (read_frame(&r, &frame)) {
		if (!is_usable(p, &frame))
			continue;
		pass_time(p, &first, &frame);
		if (!add_frame(p, &frame, &room)) {
			pcap_free(p);
			return pcap_fail(error, "no memory");
		}
	}
	p->cut = r.at != r.end;
	return true;
}

void pcap_free(struct pcap *p)
{
	free(p->frames);
	*p = (struct pcap){ 0 };
}

static void put_words(uint8_t *at, const uint32_t *words, size_t n)
{
	memcpy(at, words, n * sizeof(*words));
}

void pcap_put_file(uint8_t at[PCAP_FILE_HEADER], uint32_t snaplen)
{
	const uint16_t version[2] = { 2, 4 };
	uint32_t words[6] = { MAGIC_NANO, 0, 0, 0, snaplen, ETHERNET };

	memcpy(&words[1], version, sizeof(version));
	put_words(at, words, 6);
}

void pcap_put_frame(uint8_t at[PCAP_FRAME_HEADER], uint64_t ns, uint32_t captured, uint32_t size)
{
	const uint32_t words[4] = { (uint32_t)(ns / 1000000000), (uint32_t)(ns % 1000000000),
				    captured, size };

	put_words(at, words, 4);
}
