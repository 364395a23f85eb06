#!/bin/sh
# run.sh CASE.epi: runs epic as the first line of the case says ("# epic check", or
# "# epic compile --only-emit --emit plan.json -o -"), in the folder of the case, and
# compares what it prints and its exit code with CASE.expected.  UPDATE=1 writes the
# expectation instead.
set -u
case=$1
dir=$(dirname "$case")
name=$(basename "$case" .epi)
here=$(pwd)
top=$(cd "${srcdir:-.}" && pwd)
epic=${EPIC:-$here/epic}
actual=$(mktemp)
trap 'rm -f "$actual"' EXIT

arguments=$(sed -n '1s/^# epic //p' "$case")
[ -n "$arguments" ] || { echo "$case: the first line must begin with '# epic '"; exit 99; }
cd "$dir" || exit 99
# The settings of whoever runs the tests do not matter.
unset EPIC_CONFIG EPIC_PATH EPIC_COLOR EPIC_TIME_LIMIT GITHUB_STEP_SUMMARY
XDG_CONFIG_HOME=/nonexistent
export XDG_CONFIG_HOME
# Sanitizers call memory that is freed at exit by the system a leak.
eval "ASAN_OPTIONS=detect_leaks=0 \"\$epic\" $arguments \"\$name.epi\"" >"$actual" 2>&1 </dev/null
echo "exit $?" >>"$actual"
# Where the tree lies must not matter.
sed -i "s#${srcdir:-$top}#TOP#g; s#$top#TOP#g" "$actual"
if [ -n "${UPDATE-}" ]; then
	cp "$actual" "$name.expected"
	exit 0
fi
diff -u "$name.expected" "$actual"
