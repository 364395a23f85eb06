/* What a proxy of a target has to know: ports, chains, who may connect
 * (doc/language.md 6, doc/plan.md "targets").
 *
 * A flow concerns a proxy if its source lies in the proxy's domain or if a function of
 * its chain runs there.  What nginx or SOCKS cannot express is reported as E0802,
 * E0803 or E0805, ports that do not suffice or clash as E0804. */
#ifndef EPIC_PLAN_PROXY_CONFIG_H
#define EPIC_PLAN_PROXY_CONFIG_H

#include "compiler/plan/plan.h"

struct plan_nginx_config *nginx_config_make(struct ctx *, const struct ir *, const struct solution *,
					    const struct ir_target *);
struct plan_socks_config *socks_config_make(struct ctx *, const struct ir *, const struct solution *,
					    const struct ir_target *);

/* Once all targets have their rows, in the order of ir.targets: one port, one use. */
void proxy_ports_check(struct ctx *, const struct ir *, const struct plan *);

#endif
