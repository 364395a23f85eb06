/* Who may: the users of runtime/socks/inbound.h. */
#include <config.h>

#include <crypt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/socks/inbound.h"
#include "tests/unit/unit.h"

/* TEXT, in a file that is called `users` in messages. */
static struct users *open_text(const char *text, size_t n, char *why, size_t room)
{
	char path[] = "/tmp/epic-users-XXXXXX", said[512] = "";
	int fd = mkstemp(path);
	struct users *u;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, n), (ssize_t)n);
	close(fd);
	u = users_open(path, said, sizeof(said));
	unlink(path);
	if (!strncmp(said, path, strlen(path)))
		snprintf(why, room, "users%s", said + strlen(path));
	else
		snprintf(why, room, "%s", said);
	return u;
}

static struct users *open_good(const char *text)
{
	char why[512];
	struct users *u = open_text(text, strlen(text), why, sizeof(why));

	UNIT_TEXT("", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(u);
	return u;
}

static bool may(const struct users *u, const char *user, const char *password)
{
	return users_check(u, (struct wire_span){ (const uint8_t *)user, strlen(user) },
			   (struct wire_span){ (const uint8_t *)password, strlen(password) });
}

static void lets_in_who_is_listed(void)
{
	struct users *u = open_good("# who may\n\nzoe:a:b:c\r\neve:secret\nanna:x");

	CU_ASSERT_TRUE(may(u, "eve", "secret"));
	CU_ASSERT_TRUE(may(u, "zoe", "a:b:c"));
	CU_ASSERT_TRUE(may(u, "anna", "x"));
	CU_ASSERT_FALSE(may(u, "eve", "secre"));
	CU_ASSERT_FALSE(may(u, "eve", "secret "));
	CU_ASSERT_FALSE(may(u, "eve", "a:b:c"));
	CU_ASSERT_FALSE(may(u, "eve", ""));
	CU_ASSERT_FALSE(may(u, "ev", "secret"));
	CU_ASSERT_FALSE(may(u, "", "secret"));
	CU_ASSERT_FALSE(may(u, "# who may", ""));
	CU_ASSERT_FALSE(users_check(u, (struct wire_span){ (const uint8_t *)"eve\0", 4 },
				    (struct wire_span){ (const uint8_t *)"secret", 6 }));
	CU_ASSERT_FALSE(users_check(u, (struct wire_span){ (const uint8_t *)"eve", 3 },
				    (struct wire_span){ (const uint8_t *)"secret\0", 7 }));
	users_drop(u);
}

static void nobody_may_if_nobody_is_listed(void)
{
	struct users *u = open_good("# nobody\n");

	CU_ASSERT_FALSE(may(u, "eve", "secret"));
	users_drop(u);
}

/* Both a fast kind and one of the default cost. */
static void takes_hashes_of_crypt(void)
{
	static const char *const settings[] = { "$6$rounds=1000$abcdefgh$", "$y$j75$abcdefgh$" };
	struct crypt_data *data = calloc(1, sizeof(*data));
	char text[512];

	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	for (size_t i = 0; i < 2; i++) {
		struct users *u;

		snprintf(text, sizeof(text), "eve:%s\ntext:plain\n",
			 crypt_r("secret", settings[i], data));
		u = open_good(text);
		for (int round = 0; round < 3; round++) {
			CU_ASSERT_FALSE(may(u, "eve", "wrong"));
			CU_ASSERT_TRUE(may(u, "eve", "secret"));
			CU_ASSERT_FALSE(may(u, "nobody", "secret"));
			CU_ASSERT_FALSE(may(u, "text", "secret"));
			CU_ASSERT_TRUE(may(u, "text", "plain"));
		}
		CU_ASSERT_FALSE(may(u, "eve", strchr(text, '$')));
		users_drop(u);
	}
	free(data);
}

static void check_refused(int line, const char *text, size_t n, const char *expected)
{
	char why[512];

	CU_ASSERT_PTR_NULL(open_text(text, n, why, sizeof(why)));
	unit_text(__FILE__, line, expected, why);
}
#define REFUSED(text, expected) check_refused(__LINE__, text, sizeof(text) - 1, expected)

static void says_which_line_is_wrong_but_not_what_it_says(void)
{
	char why[256], text[600];

	REFUSED("a:b\nsecret\n", "users:2: this is not `user:password`");
	REFUSED("#\n:secret\n", "users:2: a user name has 1 to 255 bytes");
	REFUSED("eve:\n", "users:1: there is no password");
	REFUSED("eve:se\0cret\n", "users:1: a NUL byte");
	REFUSED("eve:a\nzoe:b\neve:c\n", "users:3: this user was there before");
	REFUSED("eve:$1$abcdefgh$x\n",
		"users:1: a hash of a kind that crypt(3) does not know or calls weak");
	REFUSED("eve:$nonsense\n",
		"users:1: a hash of a kind that crypt(3) does not know or calls weak");
	memset(text, 'x', sizeof(text));
	text[3] = ':';
	check_refused(__LINE__, text, 3 + 1 + 256, "users:1: a password has 1 to 255 bytes");
	text[3] = 'x';
	text[256] = ':';
	check_refused(__LINE__, text, 300, "users:1: a user name has 1 to 255 bytes");
	CU_ASSERT_PTR_NULL(users_open("/nonexistent/users", why, sizeof(why)));
	UNIT_TEXT("/nonexistent/users: No such file or directory", why);
}

static void *check_many(void *arg)
{
	struct users *u = arg;
	size_t wrong = 0;

	for (int i = 0; i < 20; i++)
		wrong += !may(u, "eve", "secret") + may(u, "eve", "no") + !may(u, "zoe", "b");
	users_drop(u);
	return (void *)wrong;
}

static void threads_share_what_they_verified(void)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char text[512];
	pthread_t threads[4];
	struct users *u;
	void *wrong;

	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	snprintf(text, sizeof(text), "eve:%s\nzoe:b\n",
		 crypt_r("secret", "$6$rounds=1000$abcdefgh$", data));
	free(data);
	u = open_good(text);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, check_many, users_hold(u)), 0);
	users_drop(u);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &wrong);
		CU_ASSERT_PTR_NULL(wrong);
	}
}

static const struct unit units[] = {
	{ "lets_in_who_is_listed", lets_in_who_is_listed },
	{ "nobody_may_if_nobody_is_listed", nobody_may_if_nobody_is_listed },
	{ "takes_hashes_of_crypt", takes_hashes_of_crypt },
	{ "says_which_line_is_wrong_but_not_what_it_says",
	  says_which_line_is_wrong_but_not_what_it_says },
	{ "threads_share_what_they_verified", threads_share_what_they_verified },
};

int main(void)
{
	return unit_main("users", units, sizeof(units) / sizeof(*units));
}
