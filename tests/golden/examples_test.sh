#!/bin/sh
# Compiles every example and compares what comes out with tests/golden/examples/NAME:
# the plan as JSON, the text files of the targets, what `epic test` says, exit codes.
# A second run in another folder and locale must give the same bytes.  UPDATE=1 writes
# the expectations instead.
set -u
epic=${EPIC:-$(pwd)/epic}
src=${srcdir:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export ASAN_OPTIONS=detect_leaks=0
failed=0

run()
{
	"$epic" "$@" >>"$out/said" 2>&1
	echo "exit $?" >>"$out/said"
}

# Drawings are compared by the tests of epic-graph; binary files by their JSON twins.
compile()
{
	out=$1
	mkdir -p "$out" "$tmp/src"
	cp "$src"/examples/*.epi "$tmp/src/" # they use each other
	cp "$policy" "$tmp/src/$name.epi"
	(
		cd "$tmp/src" || exit 1
		run check "$name.epi"
		run test "$name.epi"
		run compile "$name.epi" -o "$out" --emit plan.json
	)
	sed -i "s#$tmp#TMP#g" "$out/said"
}

for policy in "$src"/examples/*.epi "$src"/examples/alpine/*.epi "$src"/examples/dataplane/*.epi; do
	name=$(basename "$policy" .epi)
	case $policy in
	*/alpine/*) name=alpine-$name ;;
	*/dataplane/*) name=dataplane-$name ;;
	esac
	compile "$tmp/$name.1"
	(
		LC_ALL=C.UTF-8 LC_NUMERIC=de_DE.UTF-8 TZ=Asia/Tokyo
		export LC_ALL LC_NUMERIC TZ
		compile "$tmp/$name.2"
	)
	sed -i 's#\.2/#.1/#' "$tmp/$name.2/said"
	diff -r "$tmp/$name.1" "$tmp/$name.2" >/dev/null || {
		echo "$name: two runs differ"
		failed=1
	}
	if /usr/bin/python3 -c 'import cbor2, jsonschema' 2>/dev/null; then
		/usr/bin/python3 "$src/tests/golden/check_plan.py" "$tmp/$name.1/$name.plan" \
			"$tmp/$name.1/$name.plan.json" "$src/grammar/plan.schema.json" || failed=1
	else
		echo "$name: python3-cbor2 or python3-jsonschema is missing, so the two forms were not compared"
	fi
	rm -f "$tmp/$name.1"/*.plan "$tmp/$name.1"/*.map
	find "$tmp/$name.1" -name '*.svg' -exec rm -f {} +
	find "$tmp/$name.1" -type d -empty -delete
	if [ -n "${UPDATE-}" ]; then
		rm -rf "$src/tests/golden/examples/$name"
		mkdir -p "$src/tests/golden/examples"
		cp -r "$tmp/$name.1" "$src/tests/golden/examples/$name"
	fi
	diff -ru "$src/tests/golden/examples/$name" "$tmp/$name.1" || failed=1
done
exit $failed
