#!/bin/sh
# pages_test.sh: every page that `epic explain CODE` prints keeps its word.  The policy
# behind "Wrong:" gives the code in check, compile or test; the one behind "Right:" gives
# no error in check, and the code in none of the three.  The codes come from
# grammar/diag.def below $srcdir; EPIC names the program.
set -u
epic=${EPIC:-./epic}
table=${srcdir:-.}/grammar/diag.def
failures=0
examples=0
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
# Sanitizers call memory that is freed at exit by the system a leak.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS

fail() {
	echo "$1"
	failures=$((failures + 1))
}

# example HEADING PAGE: the lines indented by four blanks behind the heading.
example() {
	awk -v heading="$1:" '
		/^(Wrong|Right):$/ { inside = $0 == heading; next }
		inside && /^    /  { print substr($0, 5) }
	' "$2"
}

# outputs POLICY: what check, compile and test say, one after the other.
outputs() {
	"$epic" check --format plain --max-errors 0 "$1" 2>&1 </dev/null
	"$epic" compile --format plain --max-errors 0 -o "$dir/out.$code" "$1" 2>&1 </dev/null
	"$epic" test --format plain --max-errors 0 "$1" 2>&1 </dev/null
}

try_wrong() {
	outputs "$1" >"$dir/said"
	grep -q "\[$code\]" "$dir/said" || {
		fail "$code: the wrong example does not give its code, but: $(head -n 3 "$dir/said")"
	}
}

try_right() {
	"$epic" check --format plain --max-errors 0 "$1" >"$dir/said" 2>&1 </dev/null || {
		fail "$code: the right example has findings: $(head -n 3 "$dir/said")"
		return
	}
	outputs "$1" >"$dir/said"
	! grep "\[$code\]" "$dir/said" >"$dir/found" ||
		fail "$code: the right example gives the code too: $(head -n 1 "$dir/found")"
}

try_page() {
	"$epic" explain "$code" >"$dir/page" 2>"$dir/said" </dev/null || {
		fail "$code: explain failed: $(head -n 1 "$dir/said")"
		return
	}
	for heading in Wrong Right; do
		policy=$dir/$(echo "$heading" | tr WR wr).epi
		example "$heading" "$dir/page" >"$policy"
		# A heading without lines behind it would otherwise pass for no example.
		if [ ! -s "$policy" ]; then
			grep -q "^$heading:" "$dir/page" && fail "$code: nothing behind '$heading:'"
			continue
		fi
		examples=$((examples + 1))
		case $heading in
		Wrong) try_wrong "$policy" ;;
		Right) try_right "$policy" ;;
		esac
	done
	rm -rf "$dir/out.$code"
}

codes=$(sed -n 's/^DIAG(\([EW][0-9]*\),.*/\1/p' "$table")
[ -n "$codes" ] || { echo "$table names no codes"; exit 99; }
for code in $codes; do
	try_page
done
[ "$examples" -gt 0 ] || fail "no page has an example"
echo "$(echo "$codes" | wc -l) pages, $examples examples, $failures failures"
[ "$failures" -eq 0 ]
