#!/bin/sh
# The plan as CBOR and as JSON says the same and fits its schema; and the check that finds it so
# would notice if it did not.
set -u
srcdir=${srcdir:-.}
write=${WRITE_SAMPLE:-tests/unit/write_sample}
python=/usr/bin/python3
"$python" -c 'import cbor2, jsonschema' 2>/dev/null ||
	{ echo "python3-cbor2 or python3-jsonschema is missing"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

check() {
	"$python" "$srcdir/tests/golden/check_plan.py" "$dir/plan" "$1" \
		"$srcdir/grammar/plan.schema.json"
}

# spoilt SED-SCRIPT: the JSON, changed, must not agree any more.
spoilt() {
	sed "$1" "$dir/json" >"$dir/spoilt"
	cmp -s "$dir/json" "$dir/spoilt" && { echo "$1 changes nothing"; exit 1; }
	check "$dir/spoilt" >"$dir/out" 2>&1 && { echo "$1 goes unnoticed"; exit 1; }
	:
}

"$write" cbor >"$dir/plan" && "$write" json >"$dir/json" || exit 1
check "$dir/json" || exit 1
spoilt 's/"north.ehr"/"north.her"/'
spoilt 's/220000.5/220000.50/'
spoilt 's/"bridged"/"abridged"/'
spoilt '/"sha256"/d'
spoilt 's/^    {/   {/'
spoilt 's/: 98,/: 98.0,/'
