#include <config.h>

#include "runtime/socks/counters.h"

const char *const counter_names[N_COUNTERS] = {
#define COUNTER(name, help) [COUNT_##name] = #name,
#include "runtime/socks/counters.def"
#undef COUNTER
};

const char *const counter_helps[N_COUNTERS] = {
#define COUNTER(name, help) [COUNT_##name] = help,
#include "runtime/socks/counters.def"
#undef COUNTER
};
