GOLDEN_CASES = \
	tests/golden/cases/canonical-filters.epi \
	tests/golden/cases/cycle.epi \
	tests/golden/cases/expectations.epi \
	tests/golden/cases/forbidden.epi \
	tests/golden/cases/forgotten-semicolons.epi \
	tests/golden/cases/host-bits-json.epi \
	tests/golden/cases/overlap.epi \
	tests/golden/cases/plain-lines.epi \
	tests/golden/cases/spaced-unit.epi \
	tests/golden/cases/three-mistakes.epi \
	tests/golden/cases/too-much-traffic.epi \
	tests/golden/cases/typos.epi \
	tests/golden/cases/unbridgeable.epi \
	tests/golden/cases/unknown-target.epi
GOLDEN_MORE =
