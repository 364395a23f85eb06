#!/bin/sh
# epic-graph draws the sample plan of tests/unit, and the schedules of some examples: the text of
# each drawing is that of tests/golden/graph, the SVG is well-formed and the same every time, and its
# exit codes are those of doc/cli.md.  UPDATE=1 writes the expectations instead.
set -u
srcdir=${srcdir:-.}
epic=${EPIC:-./epic}
graph=${EPIC_GRAPH:-./epic-graph}
write=${WRITE_SAMPLE:-tests/unit/write_sample}
expected=$srcdir/tests/golden/graph
dir=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
# What Graphviz and fontconfig keep to themselves until the end is not ours.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
failures=0

fail() {
	echo "$1"
	failures=$((failures + 1))
}

# exits CODE WORDS ARGUMENT...: the exit code, and what standard error must hold.
exits() {
	code=$1
	words=$2
	shift 2
	"$graph" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	actual=$?
	[ $actual -eq "$code" ] || fail "epic-graph $*: exit $actual and not $code"
	grep -qF -e "$words" "$dir/err" || fail "epic-graph $*: $(cat "$dir/err") does not say: $words"
}

# draws VIEW PLAN NAME: the drawing NAME of a plan.
draws() {
	"$graph" --view "$1" --as dot -o "$dir/$3.dot" "$2" || fail "$3 is not drawn"
	if [ -n "${UPDATE-}" ]; then
		cp "$dir/$3.dot" "$expected/$3.dot"
	else
		diff -u "$expected/$3.dot" "$dir/$3.dot" || fail "the drawing $3 has changed"
	fi
	"$graph" --view "$1" -o "$dir/$3.svg" "$2" || fail "$3 is not rendered"
	"$graph" --view "$1" - <"$2" | cmp - "$dir/$3.svg" || fail "$3.svg is not reproducible"
	/usr/bin/python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' "$dir/$3.svg" ||
		fail "$3.svg is not well-formed"
}

# draws_schedules POLICY: the two views of its schedules.
draws_schedules() {
	name=$(basename "$1" .epi)
	"$epic" compile -q --emit plan --only-emit -o "$dir/$name" "$srcdir/$1" >"$dir/out" 2>&1 ||
		fail "$1 is not compiled: $(cat "$dir/out")"
	draws tasks "$dir/$name/$name.plan" "$name-tasks"
	draws schedulers "$dir/$name/$name.plan" "$name-schedulers"
}

"$write" cbor >"$dir/plan" || exit 99
for view in areas flows pipelines tasks schedulers; do
	draws $view "$dir/plan" $view
done
"$graph" "$dir/plan" | cmp - "$dir/flows.svg" || fail "flows are not the default"
draws_schedules examples/firewall.epi
draws_schedules examples/bng.epi
draws_schedules examples/alpine/toy.epi
draws_schedules tests/golden/graph/join.epi
"$epic" compile -q --emit plan --only-emit -o "$dir/none" "$srcdir/examples/sepsis.epi" >"$dir/out" 2>&1
for view in tasks schedulers; do
	"$graph" --view $view --as dot "$dir/none/sepsis.plan" | grep -qF 'The plan has no schedules' ||
		fail "$view: it is not said that there are no schedules"
done

exits 2 "there is no form htm; forms are dot, svg, html, mermaid and json" --as htm "$dir/plan"
exits 2 "there is no view flow" --view=flow "$dir/plan"
exits 2 "pipelines, tasks and schedulers" --view tree "$dir/plan"
exits 2 "did you mean --view?" --veiw flows "$dir/plan"
exits 2 "--as needs a value" "$dir/plan" --as
exits 2 "which plan?"
exits 2 "one plan at a time" "$dir/plan" "$dir/plan"
exits 2 "cannot read: No such file or directory" "$dir/nowhere"
exits 2 "it is no plan" "$dir/flows.dot"
exits 5 "cannot write" -o "$dir/nowhere/x.svg" "$dir/plan"
mkdir "$dir/taken"
exits 5 "cannot write" -o "$dir/taken" "$dir/plan"
[ "$(ls "$dir" | grep -c '^taken')" = 1 ] || fail "a temporary file is left"
[ "$("$graph" --version)" ] || fail "there is no version"
"$graph" --help | grep -q 'Exit codes' || fail "the help has no exit codes"
exit $((failures != 0))
