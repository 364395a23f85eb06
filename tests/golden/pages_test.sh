#!/bin/sh
# pages_test.sh: every page that `epic explain CODE` prints keeps its word.  The policy
# behind "Wrong:" gives the code in check, compile or test; the one behind "Right:" gives
# no error in check, and the code in none of the three.  Lint rules are run by lint: the
# wrong example gives its own code at a place and no other finding, infos aside unless the rule
# is one; the right one gives nothing; where --fix mends the finding, it is gone and no other
# came.  The codes come from grammar/diag.def and lint.def below $srcdir; EPIC names the program.
set -u
epic=${EPIC:-./epic}
table=${srcdir:-.}/grammar/diag.def
rules=${srcdir:-.}/grammar/lint.def
failures=0
examples=0
fixed=0
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

# lint LEVEL ARGUMENTS...: what lint says from that level on is in $dir/said.
lint() {
	"$epic" lint --no-config --today 2026-11-21 --format plain --max-errors 0 --fail-level "$@" \
		>"$dir/said" 2>&1 </dev/null
}

# fact CODE: level and fix of a rule, as in its row.
fact() {
	sed -n "s/^LINT($1, \"[^\"]*\", \([A-Z]*\), \([A-Z]*\),.*/\1 \2/p" "$rules"
}

# Infos count for rules that are infos themselves: others need not be documented and so on.
level_of() {
	case $(fact "$1") in
	INFO*) echo info ;;
	*) echo warning ;;
	esac
}

codes_said() {
	sed -n 's/^[^[]*: [a-z]*\[\([A-Z][0-9]*\)\].*/\1/p' "$dir/said" | sort -u
}

lint_wrong() {
	level=$(level_of "$code")
	lint info "$1"
	codes_said >"$dir/before"
	lint "$level" "$1" && fail "$code: lint passes the wrong example"
	if grep -v '^epic: ' "$dir/said" | grep -qv "^$1:[0-9]*:[0-9]*: [a-z]*\[$code\]"; then
		fail "$code: the wrong example gives other findings too: $(grep -v "\[$code\]" "$dir/said" | head -n 3)"
	fi
	grep -q "\[$code\]" "$dir/said" || fail "$code: the wrong example does not give its code"
	case $(fact "$code") in
	*FIXED) lint_fixed "$1" ;;
	esac
}

lint_fixed() {
	cp "$1" "$dir/fixed.epi"
	lint "$level" --fix "$dir/fixed.epi" || fail "$code: --fix leaves behind: $(head -n 3 "$dir/said")"
	lint info "$dir/fixed.epi"
	codes_said | grep -vxF -f "$dir/before" >"$dir/added" && fail "$code: --fix adds $(cat "$dir/added")"
	codes_said | grep -qx "$code" && fail "$code: --fix does not mend it"
	fixed=$((fixed + 1))
}

lint_right() {
	lint "$(level_of "$code")" "$1" || fail "$code: the right example has findings: $(head -n 3 "$dir/said")"
	[ ! -s "$dir/said" ] || fail "$code: lint says about the right example: $(head -n 3 "$dir/said")"
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
			case $code in L*) fail "$code: the page has no example '$heading:'" ;; esac
			continue
		fi
		examples=$((examples + 1))
		case $code-$heading in
		L*-Wrong) lint_wrong "$policy" ;;
		L*-Right) lint_right "$policy" ;;
		*-Wrong) try_wrong "$policy" ;;
		*-Right) try_right "$policy" ;;
		esac
	done
	rm -rf "$dir/out.$code"
}

codes=$(sed -n 's/^DIAG(\([EW][0-9]*\),.*/\1/p' "$table"; sed -n 's/^LINT(\(L[0-9]*\),.*/\1/p' "$rules")
[ -n "$codes" ] || { echo "$table names no codes"; exit 99; }
for code in $codes; do
	try_page
done
[ "$examples" -gt 0 ] || fail "no page has an example"
echo "$(echo "$codes" | wc -l) pages, $examples examples, $fixed fixed, $failures failures"
[ "$failures" -eq 0 ]
