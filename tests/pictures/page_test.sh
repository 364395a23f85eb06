#!/bin/sh
# Pages of epic-graph in headless Chromium; see page_test.py.
set -u
srcdir=${srcdir:-.}
epic=${EPIC:-./epic}
graph=${EPIC_GRAPH:-./epic-graph}
python=/usr/bin/python3
command -v chromedriver >/dev/null || { echo "chromedriver is missing (Debian: chromium-driver)"; exit 77; }
command -v chromium >/dev/null || { echo "chromium is missing (Debian: chromium)"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS

# page NAME POLICY VIEW
page() {
	"$epic" compile -q --emit plan --only-emit -o "$dir/$1" "$2" >"$dir/out" 2>&1
	plan=$(echo "$dir/$1"/*.plan)
	[ -f "$plan" ] || { echo "$2 is not compiled: $(cat "$dir/out")"; exit 1; }
	"$graph" --view "$3" --as html -o "$dir/$1.html" "$plan" || exit 1
}

for name in flows modules words; do
	"$python" "$srcdir/tests/pictures/crowd.py" "$name" "$dir/$name.epi" || exit 99
done
page sepsis "$srcdir/examples/sepsis.epi" flows
page firewall "$srcdir/examples/firewall.epi" tasks
page words "$dir/words.epi" pipelines
page crowd "$dir/flows.epi" flows
page many "$dir/modules.epi" pipelines
"$python" -B "$srcdir/tests/pictures/page_test.py" "$dir"
