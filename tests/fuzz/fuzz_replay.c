/* libFuzzer entry: whatever the bytes of a capture file, each of its frames lies within them and
 * time goes on; whatever the words of a replay or of a generator, they are taken within their
 * bounds or refused with a reason. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/generate.h"
#include "runtime/dpdk/pcap.h"
#include "runtime/dpdk/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t visit_frame(const uint8_t *bytes, size_t size, const struct pcap_frame *frame)
{
	size_t sum = 0;

	must(frame->size > 0 && frame->size <= PCAP_LONGEST);
	must(frame->bytes >= bytes + PCAP_FILE_HEADER + PCAP_FRAME_HEADER);
	must(frame->bytes + frame->size <= bytes + size);
	for (size_t i = 0; i < frame->size; i++)
		sum += frame->bytes[i];
	return sum;
}

static size_t visit_file(const uint8_t *bytes, size_t size)
{
	struct pcap pcap;
	struct pcap_error error = { "" };
	size_t sum = 0;

	if (!pcap_read(bytes, size, &pcap, &error)) {
		must(error.text[0]);
		return 0;
	}
	must(pcap.n + pcap.empty + pcap.too_long <= size / PCAP_FRAME_HEADER);
	for (size_t i = 0; i < pcap.n; i++) {
		sum += visit_frame(bytes, size, &pcap.frames[i]);
		must(i ? pcap.frames[i].ns >= pcap.frames[i - 1].ns : pcap.frames[i].ns == 0);
	}
	pcap_free(&pcap);
	return sum;
}

static void visit_replay(const char *text)
{
	struct replay_request r;
	struct device_error error = { "" };

	if (!replay_parse(text, &r, &error)) {
		must(error.text[0]);
		return;
	}
	must(r.file[0] && (r.speed == 0 || (r.speed >= 0.001 && r.speed <= 1e6)));
}

static void visit_generate(const char *text)
{
	struct generate_class classes[] = { { .name = "voip", .pps = 1e6, .bytes = 200 },
					    { .name = "web", .pps = 2e6 } };
	struct generate_request r = { .classes = classes, .n_classes = 2 };
	struct generate_error error = { "" };

	if (!generate_parse(text, &r, &error)) {
		must(error.text[0]);
		return;
	}
	must(classes[0].n_flows || classes[1].n_flows);
	must(classes[0].n_flows <= GENERATE_FLOWS_MOST && r.backlog && r.seconds >= 0);
	for (size_t i = 0; i < 2; i++)
		must(classes[i].pps >= 0 && classes[i].bytes >= 14 && classes[i].bytes <= 9018);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static volatile size_t seen;
	char text[512];
	size_t n = size < sizeof(text) ? size : sizeof(text) - 1;

	seen = visit_file(bytes, size);
	(void)seen;
	memcpy(text, bytes, n);
	text[n] = 0;
	visit_replay(text);
	visit_generate(text);
	return 0;
}
