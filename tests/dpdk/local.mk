TESTS += %D%/trace_test.sh %D%/load_test.sh %D%/veth_test.sh
EXTRA_DIST += %D%/dataplane.py %D%/trace_test.sh %D%/trace_test.py %D%/load_test.sh %D%/load_test.py \
	%D%/veth_test.sh %D%/veth_test.py
