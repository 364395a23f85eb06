/* Symbols as values of a configuration. */
#ifndef EPIC_DPDK_SYMBOL_H
#define EPIC_DPDK_SYMBOL_H

#include <string.h>

/* A symbol that is also the name of something in the policy comes as that thing's canonical name:
 * `action drop` as "edge.drop".  What was written is the last component. */
static inline const char *symbol_of(const char *text)
{
	const char *dot = text ? strrchr(text, '.') : NULL;

	return dot ? dot + 1 : text;
}

#endif
