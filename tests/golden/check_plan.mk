# The sample plan of tests/unit in both forms.
TESTS += %D%/check_plan_test.sh
EXTRA_DIST += %D%/check_plan.py %D%/check_plan_test.sh
