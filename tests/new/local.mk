# epic new: the starters are installed beside the standard library.
nobase_dist_pkgdata_DATA = \
	examples/starters/common/.editorconfig examples/starters/common/.github/workflows/policy.yml \
	examples/starters/common/.gitignore examples/starters/common/.gitlab-ci.yml \
	examples/starters/common/epic.conf \
	examples/starters/bng/README.md examples/starters/bng/policy.epi \
	examples/starters/e2/README.md examples/starters/e2/policy.epi \
	examples/starters/firewall/README.md examples/starters/firewall/policy.epi \
	examples/starters/health/README.md examples/starters/health/policy.epi \
	examples/starters/proxies/README.md examples/starters/proxies/policy.epi
TESTS += %D%/new_test.sh
EXTRA_DIST += %D%/new_test.py %D%/new_test.sh
