# Formats of findings, configuration, --watch, manual pages, completion, and what CI services run.
TESTS += %D%/ci_test.sh %D%/completion_test.sh %D%/conf_test.sh %D%/formats_test.sh %D%/hooks_test.sh \
	%D%/man_test.sh %D%/watch_test.sh
EXTRA_DIST += %D%/ci_test.py %D%/ci_test.sh %D%/completion_test.sh %D%/conf_test.py %D%/conf_test.sh \
	%D%/expected %D%/formats_test.py %D%/formats_test.sh %D%/hooks_test.sh %D%/man_test.sh \
	%D%/watch_test.py %D%/watch_test.sh %D%/world.py \
	.pre-commit-hooks.yaml editors/problem-matcher.json examples/ci
%D%/man_test.log: man/stamp
