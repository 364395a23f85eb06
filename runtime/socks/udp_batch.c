#include <config.h>

#include "runtime/socks/udp_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct udp_batch {
	struct udp_got got[UDP_BATCH];
	int fd; /* of what is to go out */
	size_t n_out;
	struct udp_out out[UDP_BATCH];
	uint64_t lost;
	uint8_t room[UDP_BATCH][UDP_MOST];
};

struct udp_batch *udp_batch_open(void)
{
	struct udp_batch *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	b->n_out = 0;
	b->fd = -1;
	b->lost = 0;
	memset(b->out, 0, sizeof(b->out));
	return b;
}

void udp_batch_close(struct udp_batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < UDP_BATCH; i++)
		bytes_free(&b->out[i].made);
	free(b);
}

size_t udp_batch_receive(struct udp_batch *b, int fd, const struct udp_got **got)
{
	struct sockaddr_storage from[UDP_BATCH];
	struct mmsghdr messages[UDP_BATCH];
	struct iovec parts[UDP_BATCH];
	size_t n = 0;
	int came;

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < UDP_BATCH; i++) {
		parts[i] = (struct iovec){ b->room[i], UDP_MOST };
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
						       .msg_namelen = sizeof(from[i]),
						       .msg_iov = &parts[i],
						       .msg_iovlen = 1 };
	}
	came = recvmmsg(fd, messages, UDP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < came; i++) {
		b->got[n].bytes = (struct wire_span){ b->room[i], messages[i].msg_len };
		n += wire_address_from_sockaddr((struct sockaddr *)&from[i],
						messages[i].msg_hdr.msg_namelen, &b->got[n].from);
	}
	*got = b->got;
	return n;
}

struct udp_out *udp_batch_out(struct udp_batch *b, int fd)
{
	struct udp_out *out;

	if (b->n_out == UDP_BATCH || fd != b->fd)
		udp_batch_flush(b);
	b->fd = fd;
	out = &b->out[b->n_out];
	out->n_head = 0;
	out->data = (struct wire_span){ NULL, 0 };
	out->made.n = 0;
	out->made.failed = false;
	return out;
}

void udp_batch_commit(struct udp_batch *b)
{
	b->n_out++;
}

/* An error may be that of an earlier datagram (ICMP), which is told once: then the same is tried
 * again. */
static void send_all(struct udp_batch *b, struct mmsghdr *messages, size_t n)
{
	bool again = false;
	size_t at = 0;

	while (at < n) {
		int went = sendmmsg(b->fd, messages + at, (unsigned)(n - at), MSG_DONTWAIT);

		if (went > 0) {
			at += (size_t)went;
			again = false;
		} else if (again || errno == EAGAIN || errno == EMSGSIZE) {
			b->lost++;
			at++;
			again = false;
		} else {
			again = true;
		}
	}
}

void udp_batch_flush(struct udp_batch *b)
{
	struct mmsghdr messages[UDP_BATCH];
	struct iovec parts[UDP_BATCH][2];

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < b->n_out; i++) {
		struct udp_out *out = &b->out[i];

		parts[i][0] = (struct iovec){ out->head, out->n_head };
		parts[i][1] = (struct iovec){ (void *)(uintptr_t)out->data.at, out->data.n };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &out->to,
			.msg_namelen = out->n_to,
			.msg_iov = parts[i],
			.msg_iovlen = 2,
		};
	}
	send_all(b, messages, b->n_out);
	b->n_out = 0;
}

uint64_t udp_batch_lost(struct udp_batch *b)
{
	uint64_t lost = b->lost;

	b->lost = 0;
	return lost;
}
