TESTS += %D%/diff_test.sh %D%/verify_test.sh %D%/why_test.sh
EXTRA_DIST += %D%/diff_test.py %D%/diff_test.sh %D%/verify_test.py %D%/verify_test.sh %D%/why_test.py \
	%D%/why_test.sh
