/* Random connections through a relay: whatever is written in whatever pieces, through whatever
 * functions, with half-closes in either order, arrives as those functions make it of the whole; and
 * of a connection that is reset, a beginning. */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/relay_bed.h"
#include "tests/unit/relay_functions.h"

enum { N_ROUNDS = 400, MOST_STAGES = 4, MOST_BYTES = 300000, PATIENCE = 10000 /* ms */ };

enum kind { SCRAMBLING, METERS, PAUSES, PROGRAMS, N_KINDS };

struct link {
	enum kind kind;
	struct scrambler scrambler;
	struct metering metering;
	struct program program;
};

/* A far end of the relay, and what it writes and reads. */
struct peer {
	int fd;
	uint8_t *data, *got, *expected;
	size_t n, sent, n_got, n_expected, room;
	size_t early; /* of data, which the relay is started with */
	bool shut, ended, broken;
};

struct world {
	uint64_t state;
	size_t n_checks, n_failures, n_resets;
	struct bed bed;
	struct link links[MOST_STAGES];
	size_t n_links;
	struct pausing pausing;
	bool pauses, programs, resets;
	size_t n_head, piece;
	struct peer peers[N_WAYS]; /* WAY_FORWARD: the client, who writes that way */
	struct bed_relay relay;
};

static const char *const cat[] = { "/bin/cat", NULL };

static size_t draw(struct world *w, size_t n)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return (size_t)((w->state >> 11) % n);
}

static void check(struct world *w, bool holds, const char *what)
{
	w->n_checks++;
	if (holds || w->n_failures++ >= 20)
		return;
	printf("does not hold: %s; %zu and %zu bytes in pieces of %zu, end %d %s, functions:", what,
	       w->peers[0].n, w->peers[1].n, w->piece, (int)w->relay.end, w->relay.why);
	for (size_t i = 0; i < w->n_links; i++)
		printf(" %d", (int)w->links[i].kind);
	printf("\n");
}

/* ---- what comes and what must become of it ---- */

static void draw_links(struct world *w)
{
	w->pauses = w->programs = false;
	w->n_links = draw(w, 3) ? draw(w, MOST_STAGES + 1) : 0;
	for (size_t i = 0; i < w->n_links; i++) {
		struct link *l = &w->links[i];

		memset(l, 0, sizeof(*l));
		l->kind = (enum kind)draw(w, N_KINDS);
		if (l->kind == PAUSES && w->pauses)
			l->kind = SCRAMBLING;
		if (l->kind == PROGRAMS && draw(w, 3))
			l->kind = METERS;
		w->pauses |= l->kind == PAUSES;
		w->programs |= l->kind == PROGRAMS;
		l->scrambler.key = (uint8_t)draw(w, 256);
		l->scrambler.tag = (char)('a' + i);
		l->metering.most = 1000 + draw(w, 40000);
		l->program.arguments = cat;
		l->program.way[WAY_FORWARD] = draw(w, 2);
		l->program.way[WAY_BACK] = draw(w, 2);
	}
}

static size_t draw_length(struct world *w)
{
	size_t most = w->piece < 16 ? 2000 : w->n_links ? 30000 : MOST_BYTES;

	return draw(w, 4) ? draw(w, most) : draw(w, 20);
}

static void expect(struct world *w, enum way way)
{
	struct peer *p = &w->peers[way];
	size_t skip = way == WAY_BACK ? w->n_head : 0, n = p->n - skip;
	uint8_t *at = malloc(n + 1);

	memcpy(at, p->data + skip, n);
	for (size_t i = 0; i < w->n_links; i++) {
		struct link *l = &w->links[way == WAY_BACK ? w->n_links - 1 - i : i];
		uint8_t *next;

		if (l->kind != SCRAMBLING)
			continue;
		next = scrambled(&l->scrambler, at, n, &n);
		free(at);
		at = next;
	}
	w->peers[!way].expected = at;
	w->peers[!way].n_expected = n;
	w->peers[!way].room = n + 100;
	w->peers[!way].got = malloc(n + 100);
}

static void draw_data(struct world *w, enum way way)
{
	struct peer *p = &w->peers[way];

	p->n = draw_length(w) + (way == WAY_BACK ? w->n_head : 0);
	p->data = malloc(p->n + 1);
	for (size_t i = 0; i < p->n; i++)
		p->data[i] = (uint8_t)draw(w, 256);
	if (way == WAY_BACK && w->n_head) {
		memset(p->data, 'H', w->n_head);
		p->data[w->n_head - 1] = ';';
	}
	p->early = draw(w, 3) ? 0 : draw(w, p->n + 1);
	p->sent = p->early;
}

static enum relay_head head(void *arg, const uint8_t *at, size_t n, size_t *used)
{
	const uint8_t *last = memchr(at, ';', n);

	(void)arg;
	if (last)
		*used = (size_t)(last - at) + 1;
	else if (n > 5)
		*used = n - 5;
	return last ? RELAY_HEAD_DONE : RELAY_HEAD_MORE;
}

static void open_round(struct world *w)
{
	static const struct function_class *const classes[] = { &scrambling, &meters, &pauses,
								&programs };
	static const size_t pieces[] = { 1, 10, 1000, 20000, 100000 };
	struct relay_start *start = &w->relay.start;
	enum bed_sockets kind;

	memset(w->peers, 0, sizeof(w->peers));
	w->piece = pieces[draw(w, 5)];
	w->n_head = draw(w, 3) ? 0 : 1 + draw(w, 40);
	draw_links(w);
	/* Local sockets know no resets. */
	kind = (enum bed_sockets)draw(w, 3);
	w->resets = kind != BED_UNIX && draw(w, 6) == 0;
	if (!bed_ready(&w->relay, &w->bed, kind))
		abort();
	memset(&w->pausing, 0, sizeof(w->pausing));
	for (size_t i = 0; i < w->n_links; i++) {
		struct link *l = &w->links[i];
		void *states[] = { &l->scrambler, &l->metering, &w->pausing, &l->program };

		bed_stage(&w->relay, classes[l->kind], states[l->kind]);
	}
	if (w->pauses && !pausing_open(&w->pausing, start->wake))
		abort();
	for (int way = 0; way < N_WAYS; way++) {
		draw_data(w, (enum way)way);
		expect(w, (enum way)way);
		start->early[way] = (struct wire_span){ w->peers[way].data, w->peers[way].early };
	}
	if (w->n_head)
		start->head = head;
	w->peers[WAY_FORWARD].fd = w->relay.client;
	w->peers[WAY_BACK].fd = w->relay.server;
}

/* ---- moving ---- */

static void peer_write(struct world *w, struct peer *p)
{
	size_t n = 1 + draw(w, w->piece);
	ssize_t sent;

	if (n > p->n - p->sent)
		n = p->n - p->sent;
	sent = send(p->fd, p->data + p->sent, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		p->sent += (size_t)sent;
	else if (sent < 0 && errno != EAGAIN)
		p->broken = true;
}

static void peer_read(struct world *w, struct peer *p)
{
	size_t room = 1 + draw(w, w->piece);
	ssize_t n;

	if (room > p->room - p->n_got)
		room = p->room - p->n_got;
	n = recv(p->fd, p->got + p->n_got, room, MSG_DONTWAIT);
	if (n > 0)
		p->n_got += (size_t)n;
	else if (n == 0)
		p->ended = true;
	else if (errno != EAGAIN)
		p->broken = true;
}

static short peer_events(struct world *w, struct peer *p)
{
	short events = 0;

	if (p->sent == p->n && !p->shut && draw(w, 2)) {
		bed_shut(p->fd);
		p->shut = true;
	}
	if (!p->ended && p->n_got < p->room)
		events |= POLLIN;
	if (p->sent < p->n)
		events |= POLLOUT;
	return events;
}

static bool peer_is_done(const struct peer *p)
{
	return p->broken || (p->shut && p->ended);
}

/* A slow one moves at one of ten occasions. */
static bool step(struct world *w, const bool slow[N_WAYS])
{
	struct pollfd polled[N_WAYS];
	bool waits = true;

	for (int i = 0; i < N_WAYS; i++) {
		struct peer *p = &w->peers[i];

		polled[i] = (struct pollfd){ .fd = peer_is_done(p) ? -1 : p->fd,
					     .events = peer_events(w, p) };
		waits &= peer_is_done(p) || p->shut || p->sent < p->n;
	}
	if (poll(polled, N_WAYS, waits ? PATIENCE : 0) == 0 && waits)
		return false;
	for (int i = 0; i < N_WAYS; i++) {
		if (slow[i] && draw(w, 10))
			continue;
		if (polled[i].revents & POLLOUT)
			peer_write(w, &w->peers[i]);
		if (polled[i].revents & (POLLIN | POLLHUP | POLLERR))
			peer_read(w, &w->peers[i]);
	}
	return true;
}

/* If the other one was reset behind its end, what it sent before is to come. */
static void read_rest(struct world *w, struct peer *p)
{
	struct pollfd polled = { .fd = p->fd, .events = POLLIN };

	while (!p->ended && !p->broken && p->n_got < p->room && poll(&polled, 1, PATIENCE) > 0)
		peer_read(w, p);
}

static void move(struct world *w)
{
	size_t resets_at = w->resets ? draw(w, 200) : SIZE_MAX;
	bool slow[N_WAYS] = { draw(w, 4) == 0, draw(w, 4) == 0 };
	enum way which = (enum way)draw(w, N_WAYS);

	for (size_t i = 0; i < resets_at; i++) {
		if (peer_is_done(&w->peers[0]) && peer_is_done(&w->peers[1])) {
			w->resets = false;
			return;
		}
		if (!step(w, slow)) {
			check(w, false, "something arrives");
			return;
		}
	}
	w->n_resets++;
	bed_reset(which == WAY_FORWARD ? &w->relay.client : &w->relay.server);
	read_rest(w, &w->peers[!which]);
}

/* ---- judging ---- */

static void judge(struct world *w, const struct peer *p)
{
	size_t n = p->n_got < p->n_expected ? p->n_got : p->n_expected;

	check(w, p->n_got <= p->n_expected && !memcmp(p->got, p->expected, n),
	      "nothing else arrives");
	if (!w->resets)
		check(w, p->ended && p->n_got == p->n_expected, "all arrives");
}

static void close_round(struct world *w)
{
	check(w, bed_wait_over(&w->relay), "the relay ends");
	check(w, w->resets || w->relay.end == RELAY_DONE, "it ends in order");
	for (int i = 0; i < N_WAYS; i++)
		judge(w, &w->peers[i]);
	bed_done(&w->relay);
	if (w->pauses)
		pausing_close(&w->pausing);
	for (size_t i = 0; i < w->n_links; i++)
		if (w->links[i].kind == PROGRAMS)
			program_reap(&w->links[i].program);
	for (int i = 0; i < N_WAYS; i++) {
		free(w->peers[i].data);
		free(w->peers[i].got);
		free(w->peers[i].expected);
	}
}

int main(int argc, char **argv)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	size_t n_rounds = N_ROUNDS / (scale && atoi(scale) > 1 ? (size_t)atoi(scale) : 1);
	static struct world w;

	w.state = argc > 1 ? strtoull(argv[1], NULL, 0) : 0x9e3779b97f4a7c15u;
	if (!bed_open(&w.bed))
		return 99;
	for (size_t i = 0; i < n_rounds; i++) {
		open_round(&w);
		bed_start(&w.relay);
		move(&w);
		close_round(&w);
	}
	bed_close(&w.bed);
	printf("%zu connections, %zu reset, %zu checks, %zu failures\n", n_rounds, w.n_resets,
	       w.n_checks, w.n_failures);
	return w.n_failures || !w.n_checks ? 1 : 0;
}
