# Scripts of the backend bess, against a recorder of what bessd does with them.
TESTS += tests/backends/bess/bess_test.sh
EXTRA_DIST += tests/backends/bess
