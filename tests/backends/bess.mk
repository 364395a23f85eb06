# Scripts of the backend bess, against a recorder of what bessd does with them.
TESTS += tests/backends/bess/bess_test.sh
# File by file: the folder also has the log of the test.
EXTRA_DIST += tests/backends/bess/bess_test.sh tests/backends/bess/bess_test.py \
	tests/backends/bess/recorder.py tests/backends/bess/recorder_test.py \
	tests/backends/bess/packets.py tests/backends/bess/modules.json \
	tests/backends/bess/forks.epi tests/backends/bess/lookups.epi \
	tests/backends/bess/schedules.epi tests/backends/bess/refused
