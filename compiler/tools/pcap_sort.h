/* Brings the operands of `and` and `or` in pcap filters into one order, to compare them. */
#ifndef EPIC_TOOLS_PCAP_SORT_H
#define EPIC_TOOLS_PCAP_SORT_H

#include "compiler/base/arena.h"

const char *pcap_sort(struct arena *, const char *filter);
/* All quoted texts in VALUE. */
const char *pcap_sort_texts(struct arena *, const char *value);

#endif
