/* What nginx and socks targets are configured with: which flows pass a proxy, and where
 * each of them goes next (doc/language.md 6, "What a backend writes").
 *
 * A flow belongs to a target if an application of the target states it, if it may move
 * (direct or bridged), and if it starts in the proxy's domain or has a function on the
 * proxy.  What the backend cannot express is reported at the target, with the flow as
 * the second place (E0802 to E0805); such a flow gets no row.  A port of a proxy has one
 * use, be it by a target or by a function that the proxy hosts (E0804). */
#ifndef EPIC_PLAN_PROXY_CONFIG_H
#define EPIC_PLAN_PROXY_CONFIG_H

#include "compiler/plan/plan.h"

/* The prefixes of a node as texts, sorted. */
struct plan_texts node_prefixes(struct arena *, const struct ir_node *);

/* Never NULL; in the arena of CTX, as all that the rows point to. */
struct plan_nginx_config *nginx_config_make(struct ctx *, const struct ir *,
					    const struct solution *, const struct ir_target *);
struct plan_socks_config *socks_config_make(struct ctx *, const struct ir *,
					    const struct solution *, const struct ir_target *);

#endif
