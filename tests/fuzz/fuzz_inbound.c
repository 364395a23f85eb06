/* libFuzzer entry: what a client may say first.  The first byte chooses settings, or (its highest
 * bit) that the rest is read as a PROXY header; the second how the rest is cut into pieces. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/prop/inbound_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(const char *wrong)
{
	if (!wrong)
		return;
	fprintf(stderr, "does not hold: %s\n", wrong);
	abort();
}

static struct users *make_users(void)
{
	char path[] = "/tmp/epic-users-XXXXXX", why[256];
	int fd = mkstemp(path);
	struct users *u = NULL;

	if (fd >= 0 && write(fd, "eve:secret\n", 11) == 11)
		u = users_open(path, why, sizeof(why));
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	demand(u ? NULL : "users can be read");
	return u;
}

static void check_talk(const struct inbound_settings *s, uint8_t cut, const uint8_t *bytes,
		       size_t n)
{
	static struct talk whole, pieces;

	demand(talk_run(s, bytes, n, 0, 0, &whole));
	demand(talk_run(s, bytes, n, cut, 1 + cut % 64, &pieces));
	demand(talk_differs(s, &whole, &pieces));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct users *users;
	struct inbound_settings s = { .socks5 = false };

	if (size < 2)
		return 0;
	if (bytes[0] & 0x80) {
		demand(proxy_header_wrong(bytes + 2, size - 2));
		return 0;
	}
	if (!users)
		users = make_users();
	s.socks5 = bytes[0] & 1;
	s.socks6 = bytes[0] & 2;
	s.epi = bytes[0] & 4;
	s.proxy = bytes[0] & 8;
	s.trusted = bytes[0] & 16;
	s.users = bytes[0] & 32 ? users : NULL;
	s.sessions = bytes[0] & 64 ? sessions_open(4) : NULL;
	check_talk(&s, bytes[1], bytes + 2, size - 2);
	sessions_close(s.sessions);
	return 0;
}
