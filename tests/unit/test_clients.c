#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/socks/clients.h"
#include "tests/unit/unit.h"

static struct wire_address address(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE_FATAL(wire_address_parse(text, strlen(text), &a));
	return a;
}

static void a_client_has_so_many_and_no_more(void)
{
	struct clients *c = clients_open(2, 0);
	struct wire_address a = address("10.0.0.1:1"), b = address("10.0.0.2:1");

	CU_ASSERT_TRUE(clients_enter(c, &a));
	CU_ASSERT_TRUE(clients_enter(c, &a));
	CU_ASSERT_FALSE(clients_enter(c, &a));
	CU_ASSERT_TRUE(clients_enter(c, &b));
	clients_leave(c, &a);
	CU_ASSERT_TRUE(clients_enter(c, &a));
	CU_ASSERT_EQUAL(clients_count(c), 3);
	clients_close(c);
}

static void an_ipv6_client_is_its_network(void)
{
	struct clients *c = clients_open(1, 0);
	struct wire_address a = address("[2001:db8::1]:1"), b = address("[2001:db8::2]:1"),
			    other = address("[2001:db8:0:1::1]:1");

	CU_ASSERT_TRUE(clients_enter(c, &a));
	CU_ASSERT_FALSE(clients_enter(c, &b));
	CU_ASSERT_TRUE(clients_enter(c, &other));
	clients_close(c);
}

static void all_have_so_many_and_no_more(void)
{
	struct clients *c = clients_open(0, 2);
	struct wire_address a = address("10.0.0.1:1"), b = address("10.0.0.2:1");

	CU_ASSERT_TRUE(clients_enter(c, &a));
	CU_ASSERT_TRUE(clients_enter(c, &b));
	CU_ASSERT_FALSE(clients_enter(c, &b));
	clients_leave(c, &a);
	CU_ASSERT_TRUE(clients_enter(c, &b));
	clients_close(c);
}

/* Against plain counting. */
static void counts_stay_right_however_clients_come_and_go(void)
{
	enum { CLIENTS = 700, STEPS = 200000, MOST = 3 };
	struct clients *c = clients_open(MOST, 0);
	int *counts = calloc(CLIENTS, sizeof(*counts)), all = 0, wrong = 0;

	srand(3);
	for (int i = 0; i < STEPS; i++) {
		int which = rand() % CLIENTS;
		struct wire_address a = { .kind = WIRE_IPV4 };

		a.ip[0] = 10;
		a.ip[2] = (uint8_t)(which >> 8);
		a.ip[3] = (uint8_t)which;
		if (rand() % 2) {
			bool entered = clients_enter(c, &a);

			wrong += entered != (counts[which] < MOST);
			counts[which] += entered;
			all += entered;
		} else if (counts[which]) {
			clients_leave(c, &a);
			counts[which]--;
			all--;
		}
		wrong += clients_count(c) != (size_t)all;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	free(counts);
	clients_close(c);
}

int main(void)
{
	static const struct unit units[] = {
		{ "a_client_has_so_many_and_no_more", a_client_has_so_many_and_no_more },
		{ "an_ipv6_client_is_its_network", an_ipv6_client_is_its_network },
		{ "all_have_so_many_and_no_more", all_have_so_many_and_no_more },
		{ "counts_stay_right_however_clients_come_and_go",
		  counts_stay_right_however_clients_come_and_go },
	};

	return unit_main("clients", units, sizeof(units) / sizeof(*units));
}
