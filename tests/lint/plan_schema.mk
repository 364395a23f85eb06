check_PROGRAMS += %D%/plan_schema
%C%_plan_schema_SOURCES = %D%/plan_schema.c
EXTRA_DIST += grammar/map.cddl grammar/plan.cddl grammar/plan.schema.json
TESTS += %D%/plan_schema_test.sh
dist_noinst_SCRIPTS += %D%/plan_schema_test.sh
