include tests/unit/local.mk
include tests/unit/filter.mk
include tests/unit/plan.mk
include tests/unit/chain.mk
include tests/unit/movement.mk
include tests/unit/proxy_config.mk
include tests/unit/walk.mk
include tests/unit/trace.mk
include tests/unit/paper.mk
include tests/unit/exact.mk
include tests/unit/schedule_check.mk
include tests/unit/bess.mk
include tests/fuzz/local.mk
include tests/unit/socks.mk
include tests/fuzz/socks.mk
include tests/prop/socks_wire.mk
include tests/unit/socks_policy.mk
include tests/prop/socks_policy.mk
include tests/fuzz/socks_policy.mk
include tests/unit/socksd.mk
include tests/unit/socksinbound.mk
include tests/prop/socksinbound.mk
include tests/fuzz/socksinbound.mk
include tests/unit/socksfunctions.mk
include tests/prop/redirect.mk
include tests/fuzz/socksfunctions.mk
include tests/unit/sockscrypto.mk
include tests/prop/sockscrypto.mk
include tests/fuzz/sockscrypto.mk
include tests/unit/socksrelay.mk
include tests/prop/relay.mk
include tests/unit/socksdial.mk
include tests/prop/upstream.mk
include tests/fuzz/upstream.mk
include tests/e2e/local.mk
include tests/lint/plan_schema.mk
include tests/prop/filter.mk
include tests/prop/bridges.mk
include tests/prop/walk.mk
include tests/prop/match.mk
include tests/prop/schedule.mk
include tests/backends/bess.mk
include tests/bench/local.mk
include tests/bench/proxy.mk
include tests/socks/local.mk
include tests/unit/core.mk
if DPDK
include tests/unit/dpdk.mk
include tests/fuzz/dpdk.mk
include tests/e2e/core.mk
include tests/dpdk/local.mk
include tests/prop/dpdk_filter.mk
endif
include tests/golden/local.mk
include tests/golden/check_plan.mk
include tests/golden/graph.mk
include tests/golden/lint.mk
include tests/verify/local.mk
include tests/pictures/local.mk
include tests/lsp/local.mk
include tests/new/local.mk
include tests/formats/local.mk
include tests/unit/line_hashes.mk
include tests/fuzz/conf.mk

TESTS += tests/lint/layers.sh tests/golden/examples_test.sh tests/golden/pages_test.sh
EXTRA_DIST += tests/golden/examples_test.sh tests/golden/pages_test.sh tests/golden/examples \
	examples/README.md examples/bng.epi examples/fig31.epi examples/firewall.epi examples/hospital.epi examples/proxies.epi \
	examples/sepsis.epi examples/alpine examples/dataplane examples/demo stdlib/README.md doc compiler/README.md grammar/README.md \
	backends/README.md runtime/README.md tests/README.md
EXTRA_DIST += tests/golden/schemas tests/docs/docs_test.py tests/docs/docs_test.sh
TESTS += tests/docs/docs_test.sh
EXTRA_DIST += tests/lint/layers.sh tests/lint/layers.py tests/summary.sh tests/skips

# What test scripts need to know.
AM_TESTS_ENVIRONMENT = EPIC='$(abs_top_builddir)/epic'; EPIC_GRAPH='$(abs_top_builddir)/epic-graph'; \
	EPIC_DPDKD='$(abs_top_builddir)/epic-dpdkd'; EPIC_SOCKSD='$(abs_top_builddir)/epic-socksd'; \
	srcdir='$(abs_top_srcdir)'; export EPIC EPIC_GRAPH EPIC_DPDKD EPIC_SOCKSD srcdir;
