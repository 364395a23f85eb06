/* The classic pcap file format: reading one that is in memory, writing its headers.
 *
 * The reader distrusts its bytes: whatever they say, each frame lies within them.  Both byte
 * orders, micro- and nanoseconds, Ethernet only. */
#ifndef EPIC_DPDK_PCAP_H
#define EPIC_DPDK_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PCAP_FILE_HEADER = 24,
	PCAP_FRAME_HEADER = 16,
	PCAP_LONGEST = 9018,       /* longer frames are passed over */
	PCAP_SNAPLEN_MOST = 262144 /* of a frame that says more, nothing is believed */
};

struct pcap_frame {
	uint64_t ns; /* since the first frame; never less than that of the frame before */
	const uint8_t *bytes;
	uint32_t size; /* 1 ... PCAP_LONGEST */
};

/* A file's frames; they point into its bytes. */
struct pcap {
	struct pcap_frame *frames;
	size_t n;
	uint64_t too_long, empty; /* frames passed over */
	bool cut;                 /* the file ends, or turns into nonsense, within a frame */
};

struct pcap_error {
	char text[160];
};

/* False: the bytes are no such file, and *ERROR says why.  Else pcap_free ends it. */
bool pcap_read(const uint8_t *bytes, size_t size, struct pcap *, struct pcap_error *);
void pcap_free(struct pcap *);

/* Headers with nanoseconds, in this machine's byte order. */
void pcap_put_file(uint8_t at[PCAP_FILE_HEADER], uint32_t snaplen);
void pcap_put_frame(uint8_t at[PCAP_FRAME_HEADER], uint64_t ns, uint32_t captured, uint32_t size);

#endif
