#!/bin/sh
# The manual pages: no warning of roff, a page for each command, each flag and property there, and the
# example of epi(5) holds.
set -u
epic=${EPIC:-./epic}
man=$(dirname "$epic")/man
command -v mandoc >/dev/null || { echo "skipped: mandoc is missing"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	exit 1
}

# Pages carry no date: the same source gives the same bytes.
for page in "$man"/*.[15]; do
	mandoc -Tlint -W warning "$page" | grep -v 'missing date, using "": TH' >"$dir/warnings"
	[ -s "$dir/warnings" ] && fail "$(cat "$dir/warnings")"
	mandoc -Tutf8 -O width=500 "$page" | sed 's/.\x08//g' >"$dir/$(basename "$page").txt"
	if command -v groff >/dev/null; then
		groff -ww -man -Tutf8 -P-c "$page" 2>"$dir/warnings" >/dev/null
		[ -s "$dir/warnings" ] && fail "$page: $(cat "$dir/warnings")"
	fi
done

commands=$("$epic" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "epic help lists no commands"
for command in $commands; do
	text=$dir/epic-$command.1.txt
	[ -f "$text" ] || fail "there is no page of epic $command"
	"$epic" help "$command" | grep -o -e '--[a-z][a-z-]*' | sort -u >"$dir/flags"
	while read -r flag; do
		grep -q -e "^  *\(-[a-zA-Z], \)\?$flag\b" "$text" || fail "epic-$command(1) lacks $flag"
	done <"$dir/flags"
	grep -q "^  *$command " "$dir/epic.1.txt" || grep -q "^  *$command\$" "$dir/epic.1.txt" ||
		fail "epic(1) lacks $command"
done
[ "$(ls "$man"/epic-*.1 | wc -l)" = "$(echo "$commands" | wc -l)" ] || fail "there are pages of no command"

sed -n 's/^PROP([a-z]*, [^,]*, "\([^"]*\)".*/\1/p' "${srcdir:-.}/grammar/schema.def" | sort -u >"$dir/properties"
[ -s "$dir/properties" ] || fail "grammar/schema.def has no properties"
while read -r property; do
	grep -q "^  *$property\b" "$dir/epi.5.txt" || fail "epi(5) lacks $property"
done <"$dir/properties"

sed -n '/^EXAMPLE/,/^BLOCKS/p' "$dir/epi.5.txt" | sed '1d;$d' >"$dir/example.epi"
"$epic" test "$dir/example.epi" >"$dir/out" 2>&1 || fail "the example of epi(5): $(cat "$dir/out")"
grep -q '1 hold, 0 fail' "$dir/out" || fail "$(cat "$dir/out")"
