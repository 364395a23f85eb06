TESTS += %D%/graph_test.sh
EXTRA_DIST += %D%/graph_test.sh %D%/graph
