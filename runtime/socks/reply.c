#include <config.h>

#include "runtime/socks/reply.h"

#include <errno.h>
#include <stddef.h>

struct outcome_row {
	uint8_t socks5, socks6;
	const char *text;
};

static const struct outcome_row rows[N_OUTCOMES] = {
#define OUTCOME(name, v5, v6, text) { v5, v6, text },
#include "runtime/socks/outcomes.def"
#undef OUTCOME
};

static const struct {
	int number;
	enum outcome outcome;
} errors[] = {
	{ 0, OUTCOME_OK },
	{ EACCES, OUTCOME_DENIED }, /* the kernel's own filter, e.g. nftables' reject */
	{ EPERM, OUTCOME_DENIED },
	{ ENETUNREACH, OUTCOME_NET_UNREACHABLE },
	{ ENETDOWN, OUTCOME_NET_UNREACHABLE },
	{ EHOSTUNREACH, OUTCOME_HOST_UNREACHABLE },
	{ EHOSTDOWN, OUTCOME_HOST_UNREACHABLE },
	{ ECONNREFUSED, OUTCOME_REFUSED },
	{ EAFNOSUPPORT, OUTCOME_ADDRESS_TYPE },
	{ ETIMEDOUT, OUTCOME_TIMED_OUT },
	{ EMFILE, OUTCOME_BUSY },
	{ ENFILE, OUTCOME_BUSY },
	{ ENOBUFS, OUTCOME_BUSY },
	{ ENOMEM, OUTCOME_BUSY },
};

const char *outcome_text(enum outcome o)
{
	return rows[o].text;
}

uint8_t outcome_socks5(enum outcome o)
{
	return rows[o].socks5;
}

uint8_t outcome_socks6(enum outcome o)
{
	return rows[o].socks6;
}

enum outcome outcome_from_socks5(uint8_t code)
{
	for (int i = 0; i < N_OUTCOMES; i++)
		if (rows[i].socks5 == code)
			return (enum outcome)i;
	return OUTCOME_FAILED;
}

enum outcome outcome_from_socks6(uint8_t code)
{
	for (int i = 0; i < N_OUTCOMES; i++)
		if (rows[i].socks6 == code)
			return (enum outcome)i;
	return OUTCOME_FAILED;
}

enum outcome outcome_from_errno(int number)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].number == number)
			return errors[i].outcome;
	return OUTCOME_FAILED;
}
