/* How an attempt ended, and how each protocol says so. */
#ifndef EPIC_SOCKS_REPLY_H
#define EPIC_SOCKS_REPLY_H

#include <stdint.h>

enum outcome {
#define OUTCOME(name, v5, v6, text) OUTCOME_##name,
#include "runtime/socks/outcomes.def"
#undef OUTCOME
	N_OUTCOMES
};

const char *outcome_text(enum outcome);
uint8_t outcome_socks5(enum outcome);
uint8_t outcome_socks6(enum outcome);

/* Codes that nobody has assigned are general failures. */
enum outcome outcome_from_socks5(uint8_t code);
enum outcome outcome_from_socks6(uint8_t code);
enum outcome outcome_from_errno(int);

#endif
