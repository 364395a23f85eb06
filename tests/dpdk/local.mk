TESTS += %D%/trace_test.sh
EXTRA_DIST += %D%/trace_test.sh %D%/trace_test.py %D%/dataplane.py
