#!/bin/sh
# lint_test.sh: what is done with findings: levels, @allow, baselines, fixes, exit codes, several
# files, and that the catalogue is that of doc/lint.md.  The rules themselves are tried by
# pages_test.sh.  EPIC names the program, srcdir the sources.
set -u
src=$(cd "${srcdir:-.}" && pwd)
epic=${EPIC:-$(pwd)/epic}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
ASAN_OPTIONS=detect_leaks=0
HOME=$dir
export ASAN_OPTIONS HOME
unset EPIC_CONFIG XDG_CONFIG_HOME EPIC_PATH 2>/dev/null
failures=0
cd "$dir" || exit 99

fail() {
	echo "$1"
	failures=$((failures + 1))
}

# lint CODE ARGUMENTS...: the exit code is CODE; findings are in said, results in result.
lint() {
	wanted=$1
	shift
	"$epic" lint --format plain --today 2026-11-21 "$@" >result 2>said </dev/null
	code=$?
	[ "$code" = "$wanted" ] || fail "lint $*: exit code $code, not $wanted: $(head -n 3 said)"
}

says() {
	grep -qF "$1" said || fail "'$1' is missing: $(head -n 3 said)"
}

silent() {
	[ ! -s said ] || fail "nothing should be said: $(head -n 3 said)"
}

# ---- the catalogue ----

# ID SLUG LEVEL FIX of each rule, with a star behind the slug if there is one, from the tables of release 1.
sed -n '/^## Later rules/q; s/^| \(L[0-9]*\) | \([^|]*\) | \([EWI]\) | \([^|]*\) |.*/\1 \2 \3 \4/p' "$src/doc/lint.md" |
	sed 's/ ★/*/; s/ E / error /; s/ W / warning /; s/ I / info /; s/ f$/ fixed/; s/ s$/ suggested/; s/ –$/ none/' >wanted
lint 0 --rules
sed 's/^\(L[0-9]*\)  \([^ *]*\)\( *\)\(\*\{0,1\}\) *\([^ ]*\) *\([^ ]*\) .*/\1 \2\4 \5 \6/' result >listed
[ -s wanted ] || fail "doc/lint.md has no tables"
diff wanted listed || fail "epic lint --rules is not the catalogue of doc/lint.md"
"$epic" lint --rules --format json >rules.json
python3 -c 'import json; rules = json.load(open("rules.json"))["rules"]
print("\n".join(r["id"] + " " + r["slug"] + "*" * r["star"] + " " + r["level"] + " " + r["fix"] for r in rules))' >listed
diff wanted listed || fail "epic lint --rules --format json is not the catalogue of doc/lint.md"

# ---- levels ----

printf 'let office = {10.0.0.0/8, 10.1.0.0/16};\n' >a.epi
lint 0 a.epi
says 'a.epi:1:1: warning[L1001]: '
says 'a.epi:1:27: warning[L1007]: '
lint 1 --fail-level warning a.epi
lint 1 -D duplicate-value a.epi
says 'error[L1007]'
lint 0 -D L1007 -W L1007 a.epi
lint 0 -A missing-edition -A L1007 a.epi
silent
lint 0 -A missing-edition -A L1007 --fail-level warning a.epi
lint 2 -A duplicate-valu a.epi
says "did you mean 'duplicate-value'?"
lint 2 -A expired a.epi
says "'expired' (L1011) cannot be lowered or switched off"
lint 2 -W literal-secret a.epi
lint 2 -A allow-without-reason a.epi
says 'cannot be switched off for a whole project'
lint 2
lint 2 --dry-run a.epi
lint 2 nowhere.epi

printf 'edition 1;\nlet Office = 10.0.0.0/8;\n' >info.epi
lint 0 info.epi
silent
lint 0 -W naming-style info.epi
says 'info.epi:2:5: warning[L1003]: '
lint 1 -D naming-style info.epi
lint 1 --fail-level info info.epi
says 'info[L1003]'

# ---- members of sets, of every kind ----

cat >sets.epi <<'END'
edition 1;
let ports = {80, 443};
let nets = {2001:db8::/32, 10.0.0.0/8};
let a = {ports, 80, 8080..8090, 8085};
let b = {10.1.0.0/16, nets, 2001:db8:1::/48, 11.0.0.0/8};
let c = {80/tcp, 80/udp, 8000..8090/tcp, 8080/tcp};
let d = {"x", "y", "x"};
let e = {00:11:22:aa:bb:cc, 00:11:22:aa:bb:cd, 00:11:22:aa:bb:cc};
domain north {
  node px : proxy { address 10.0.0.1; }
  node ehr { address 10.0.0.2; }
  default allow;
  forbid {ehr, north.*, px} => *;
  forbid {px, px} => *;
}
END
lint 0 -A L1004 -A L3008 sets.epi
grep 'L1007' said | cut -d: -f2-3 | tr '\n' ' ' >places
printf '4:17 4:33 5:10 5:29 6:42 7:20 8:48 13:11 14:15 ' | cmp -s - places || fail "duplicate values at $(cat places)"

# ---- check comes first ----

printf 'edition 1;\nuse std.nf;\nlet office = offices;\n' >broken.epi
lint 1 broken.epi
says 'error[E0301]'
! grep -q 'L1004' said || fail "a name that is not known may be the one that was meant"
printf 'edition 1;\nuse std.nets { internet };\ndomain a { node x { address 10.0.0.1; } }\n' >ok.epi
lint 0 ok.epi
says 'ok.epi:2:1: warning[L1004]: '

# ---- @allow and @expires ----

cat >allow.epi <<'END'
edition 1;
@allow(naming-style, "names of the floor plan")
domain Clinic {
  node EHR { address 10.1.0.0/24; }
}
@allow(naming-style, "nothing")
let lab = 10.2.0.0/24;
@allow(naming-stile, "typing mistake")
let ward = 10.3.0.0/24;
@allow(expired, "cannot be allowed")
@expires(2026-11-20)
let old = 10.4.0.0/24;
@expires(2026-12-21)
let soon = 10.5.0.0/24;
@expires(2026-12-22)
let later = 10.6.0.0/24;
@allow(unused-allow, "kept for the next floor")
@allow(naming-style, "so far")
let next = 10.7.0.0/24;
@allow(duplicate-value)
let all = {10.0.0.0/8, 10.1.0.0/16};
END
lint 1 --fail-level info allow.epi
! grep -q 'L1003' said || fail "@allow does not cover what the declaration contains"
says 'allow.epi:6:1: warning[L1009]: '
says "did you mean 'naming-style'?"
says "allow.epi:10:1: warning[L1009]: the rule 'expired' cannot be allowed"
says 'allow.epi:11:1: error[L1011]: this expired 1 day ago'
says 'allow.epi:13:1: warning[L1011]: this expires in 30 days'
! grep -q 'allow.epi:15' said || fail "31 days before the day there is no warning"
! grep -q 'allow.epi:1[789]' said || fail "@allow(unused-allow) does not cover the @allow behind it"
says 'allow.epi:20:1: error[L1010]: '
! grep -q 'L1007' said || fail "an @allow without reason is reported, and yet it allows"
cut -d: -f2 said | grep '^[0-9]' >lines
sort -n lines | cmp -s - lines || fail "findings are not in the order of the source"
lint 1 --today 2026-11-20 allow.epi
says 'warning[L1011]: this expires today'
lint 1 --fix allow.epi
! grep -q 'L1009' said || fail "--fix leaves unused @allow"
grep -q 'names of the floor plan' allow.epi || fail "--fix deletes an @allow of use"

# ---- baselines ----

cp a.epi known.epi
cat >>known.epi <<'END'
domain north {
  let lab = 10.1.0.0/24;
  node Ehr { address lab; }
}
let lab = 10.2.0.0/24;
@expires(2020-01-01)
let old = lab;
END
lint 1 --fail-level info --write-baseline base known.epi
says 'error[L1011]' # cannot be put into a baseline
grep -v '^#' base >lines
printf '%s\n' 'duplicate-value office' 'missing-edition known' 'naming-style north.Ehr' \
	'shadowed-name north.lab' | cmp -s - lines || fail "the baseline holds: $(cat lines)"
{ printf '# moved\n\n'; cat known.epi; } >moved.epi && mv moved.epi known.epi
lint 1 --fail-level info --baseline base known.epi
grep -v 'L1011' said | grep -q '\[' && fail "the baseline does not hide what moved: $(cat said)"
printf 'let more = {1, 1};\n' >>known.epi
lint 1 --baseline base known.epi
says 'L1007'
lint 2 --baseline nowhere known.epi
says 'cannot read the baseline nowhere'
printf 'expired old\n' >bad && lint 2 --baseline bad known.epi
says "bad:1: findings of 'expired' cannot be put into a baseline"
printf '# x\nduplicate-valu office\n' >bad && lint 2 --baseline bad known.epi
says "bad:2: there is no lint rule 'duplicate-valu'; did you mean 'duplicate-value'?"

# ---- fixes ----

cat >fix.epi <<'END'
# Head.

## Of the office.
let office = {10.0.0.0/8,   10.1.0.0/16, 10.2.0.0/16};

use std.nf;

use std.services {
  https
};

let ports = {
  80,
  443,
  80,
};
END
cp fix.epi before.epi
lint 1 --fix --dry-run --fail-level info fix.epi
cmp -s fix.epi before.epi || fail "--dry-run writes"
cp fix.epi patched.epi
if command -v patch >/dev/null; then
	patch -s patched.epi <result || fail "the difference that --dry-run shows does not apply"
fi
ln -s fix.epi link.epi
chmod 640 fix.epi
lint 0 --fix --fail-level info link.epi
silent
[ -L link.epi ] || fail "--fix replaces a link"
command -v patch >/dev/null && { cmp -s fix.epi patched.epi || fail "--dry-run shows what --fix does not do"; }
diff - fix.epi <<'END' || fail "--fix writes another text"
# Head.

edition 1;
## Of the office.
let office = {10.0.0.0/8};

let ports = {
  80,
  443,
};
END
cp fix.epi again.epi
lint 0 --fix --fail-level info again.epi
cmp -s fix.epi again.epi || fail "a second --fix changes something"
"$epic" fmt --check fix.epi || fail "fixes leave a layout that is not canonical"

printf 'let office = {10.0.0.0/8, 10.1.0.0/16};\nlet lab = laboratory;\n' >wrong.epi
cp wrong.epi before.epi
lint 1 --fix wrong.epi
says 'wrong.epi was left alone'
cmp -s wrong.epi before.epi || fail "--fix writes a file that does not check"
# A fix of check itself.
printf 'edition 1;\nlet office = 10.1.0.7/24;\n' >host.epi
lint 0 --fix host.epi
silent
grep -q '10.1.0.0/24' host.epi || fail "--fix does not clear host bits"
lint 2 --fix -
ls | grep -q '\.epi\.' && fail "a temporary file was left: $(ls)"

# ---- several files ----

printf 'let Shared = {1, 1};\n' >shared.epi
printf 'edition 1;\nuse shared;\nlet mine = shared.Shared;\n' >user.epi
lint 0 user.epi
silent
lint 0 user.epi shared.epi
[ "$(grep -c 'shared.epi:.*L1007' said)" = 1 ] || fail "a finding is not reported once: $(cat said)"
printf 'let a = {1, 1};\n' | "$epic" lint --format plain - >said 2>&1
says '<stdin>:1:13: warning[L1007]'

# ---- the examples ----

for policy in "$src"/examples/*.epi "$src"/examples/*/*.epi; do
	lint 0 "$policy"
	! grep 'error' said || fail "$policy has findings at level error"
done

# Fixes add no findings, whatever the policy.
cp -r "$src/examples" work && chmod -R u+w work
for policy in work/*.epi work/*/*.epi; do
	"$epic" lint --no-config --format plain --max-errors 0 --fail-level info "$policy" >/dev/null 2>said
	sed -n 's/.*: [a-z]*\[\([A-Z][0-9]*\)\].*/\1/p' said | sort | uniq -c | sort >before
	"$epic" lint --no-config --format plain --max-errors 0 --fail-level info --fix "$policy" >/dev/null 2>said
	sed -n 's/.*: [a-z]*\[\([A-Z][0-9]*\)\].*/\1/p' said | sort | uniq -c | sort >after
	awk 'FILENAME == "before" { n[$2] = $1; next } $1 > n[$2] { print $2; more = 1 } END { exit more }' before after ||
		fail "$policy: --fix adds findings"
done

echo "$failures failures"
[ "$failures" -eq 0 ]
