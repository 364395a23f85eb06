check_PROGRAMS += %D%/plan_schema
%C%_plan_schema_SOURCES = %D%/plan_schema.c
TESTS += %D%/plan_schema_test.sh
EXTRA_DIST += %D%/plan_schema_test.sh grammar/map.cddl grammar/plan.cddl grammar/plan.schema.json
