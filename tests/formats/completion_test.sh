#!/bin/sh
# What bash completes: flags, their values, rules, files.
set -u
epic=${EPIC:-./epic}
command -v bash >/dev/null || { echo "skipped: bash is missing"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
"$epic" completion bash >"$dir/epic.bash" || exit 1
: >"$dir/a.epi"
: >"$dir/a.conf"

# completes "WORDS" EXPECTED: what is proposed for the last word.
completes() {
	found=$(cd "$dir" && bash -c 'source ./epic.bash; read -ra COMP_WORDS <<<"$1"
		case $1 in *" ") COMP_WORDS+=("") ;; esac
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _epic; printf "%s\n" "${COMPREPLY[@]}"' - "$1")
	[ "$found" = "$2" ] || { echo "'$1': expected '$2', found '$found'"; exit 1; }
}

completes 'epic verif' "$("$epic" help | grep -o '^  verif[a-z]*' | tr -d ' ')"
completes 'epic check --format sa' sarif
completes 'epic lint -D literal-s' literal-secret
completes 'epic lint --allow unused-im' unused-import
completes 'epic lint --fail-level w' warning
completes 'epic check --config a.c' a.conf
completes 'epic check a' a.epi
completes 'epic lint --basel' --baseline

for shell in zsh fish; do
	"$epic" completion "$shell" >"$dir/$shell" || exit 1
	grep -q literal-secret "$dir/$shell" || { echo "$shell knows no rules"; exit 1; }
	command -v "$shell" >/dev/null && { "$shell" -n "$dir/$shell" || exit 1; }
done
exit 0
