# What `epic lint` does with findings; the rules are tried by pages_test.sh.
TESTS += tests/golden/lint_test.sh
EXTRA_DIST += tests/golden/lint_test.sh
