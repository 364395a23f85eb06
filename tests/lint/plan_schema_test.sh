#!/bin/sh
# The descriptions of the plan are those that plan_keys.def gives.
top=${srcdir:-$(dirname "$0")/../..}
program=${PLAN_SCHEMA:-tests/lint/plan_schema}
status=0

check() {
	"$program" "$1" | cmp - "$top/grammar/$2" && return
	echo "grammar/$2 is out of date; remake it: $program $1 > grammar/$2" >&2
	status=1
}

[ -x "$program" ] || { echo "$program is not built" >&2; exit 99; }
check cddl plan.cddl
check json plan.schema.json
exit $status
