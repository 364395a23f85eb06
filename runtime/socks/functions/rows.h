/* All classes of bridging functions, one per file. */
#ifndef EPIC_SOCKS_FUNCTIONS_ROWS_H
#define EPIC_SOCKS_FUNCTIONS_ROWS_H

#include "runtime/socks/function.h"

extern const struct function_class function_audit_log;
extern const struct function_class function_exec;
extern const struct function_class function_firewall;
extern const struct function_class function_key_broker;
extern const struct function_class function_microsegment;
extern const struct function_class function_rate_meter;
extern const struct function_class function_seal;
extern const struct function_class function_unseal;

#endif
