/* Sessions and their windows of tokens: runtime/socks/sessions.h. */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/sessions.h"
#include "tests/unit/unit.h"

static struct wire_span id_of(const struct session_grant *g)
{
	return (struct wire_span){ g->id, sizeof(g->id) };
}

static void remembers_who_began(void)
{
	struct sessions *s = sessions_open(4);
	struct session_grant a, b, again;

	CU_ASSERT_TRUE(sessions_begin(s, NULL, "eve", 0, &a));
	CU_ASSERT_TRUE(sessions_begin(s, NULL, "", 8, &b));
	CU_ASSERT_NOT_EQUAL(memcmp(a.id, b.id, sizeof(a.id)), 0);
	CU_ASSERT_EQUAL(a.window_size, 0);
	CU_ASSERT_EQUAL(b.window_size, 8);
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&a), 0, NULL, &again));
	UNIT_TEXT("eve", again.user);
	CU_ASSERT_FALSE(sessions_enter(s, NULL, (struct wire_span){ a.id, 12 }, 0, NULL, &again));
	CU_ASSERT_FALSE(sessions_enter(s, NULL, (struct wire_span){ NULL, 0 }, 0, NULL, &again));
	a.id[15] ^= 1;
	CU_ASSERT_FALSE(sessions_enter(s, NULL, id_of(&a), 0, NULL, &again));
	CU_ASSERT_EQUAL(sessions_count(s), 2);
	sessions_forget(s, id_of(&b));
	sessions_forget(s, id_of(&b));
	CU_ASSERT_EQUAL(sessions_count(s), 1);
	sessions_close(s);
}

static void issues_one_window_and_spends_each_token_once(void)
{
	struct sessions *s = sessions_open(4);
	struct session_grant g, again;
	uint32_t token, base;

	CU_ASSERT_TRUE(sessions_begin(s, NULL, "", 0, &g));
	token = 5;
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g), 0, &token, &again));
	CU_ASSERT_TRUE(again.rejected);
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g), 100, NULL, &again));
	CU_ASSERT_EQUAL(again.window_size, 100);
	base = token = again.window_base;
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g), 50, &token, &again));
	CU_ASSERT_FALSE(again.rejected);
	CU_ASSERT_EQUAL(again.window_size, 100);
	CU_ASSERT_EQUAL(again.window_base, base + 1);
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g), 0, &token, &again));
	CU_ASSERT_TRUE(again.rejected);
	sessions_close(s);
}

static void the_longest_unused_goes_first(void)
{
	struct sessions *s = sessions_open(3);
	struct session_grant g[4], again;

	for (int i = 0; i < 3; i++)
		CU_ASSERT_TRUE(sessions_begin(s, NULL, "", 0, &g[i]));
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g[0]), 0, NULL, &again));
	CU_ASSERT_TRUE(sessions_begin(s, NULL, "", 0, &g[3]));
	CU_ASSERT_EQUAL(sessions_count(s), 3);
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g[0]), 0, NULL, &again));
	CU_ASSERT_FALSE(sessions_enter(s, NULL, id_of(&g[1]), 0, NULL, &again));
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g[2]), 0, NULL, &again));
	CU_ASSERT_TRUE(sessions_enter(s, NULL, id_of(&g[3]), 0, NULL, &again));
	sessions_close(s);
	s = sessions_open(0);
	CU_ASSERT_FALSE(sessions_begin(s, NULL, "", 0, &g[0]));
	sessions_close(s);
	sessions_close(NULL);
}

/* Each token of a shared session is good for one thread only, while sessions come and go. */
struct shared {
	struct sessions *sessions;
	struct session_grant grant;
	size_t accepted;
};

static void *spend_all(void *arg)
{
	struct shared *s = arg;
	struct session_grant g, own;

	for (uint32_t i = 0; i < 500; i++) {
		uint32_t token = s->grant.window_base + i;

		if (sessions_begin(s->sessions, NULL, "x", 1, &own) && i % 2)
			sessions_forget(s->sessions, id_of(&own));
		if (sessions_enter(s->sessions, NULL, id_of(&s->grant), 0, &token, &g) &&
		    !g.rejected)
			__atomic_add_fetch(&s->accepted, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void threads_never_spend_the_same_token(void)
{
	struct shared shared = { .sessions = sessions_open(64) };
	pthread_t threads[4];

	CU_ASSERT_TRUE(sessions_begin(shared.sessions, NULL, "", 500, &shared.grant));
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, spend_all, &shared), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(shared.accepted, 500);
	CU_ASSERT_TRUE(sessions_count(shared.sessions) <= 64);
	sessions_close(shared.sessions);
}

static const struct unit units[] = {
	{ "remembers_who_began", remembers_who_began },
	{ "issues_one_window_and_spends_each_token_once",
	  issues_one_window_and_spends_each_token_once },
	{ "the_longest_unused_goes_first", the_longest_unused_goes_first },
	{ "threads_never_spend_the_same_token", threads_never_spend_the_same_token },
};

int main(void)
{
	return unit_main("sessions", units, sizeof(units) / sizeof(*units));
}
