#!/bin/sh
# The systemd unit says nothing that systemd does not know, and leaves little exposed.
command -v systemd-analyze >/dev/null 2>&1 || {
	echo "systemd-analyze is not here"
	exit 77
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
sed "s|@bindir@|$(cd "$(dirname "${EPIC_SOCKSD:-./epic-socksd}")" && pwd)|" \
	"${srcdir:-.}/runtime/socks/epic-socksd@.service.in" >"$dir/epic-socksd@target.service"
out=$(systemd-analyze verify "$dir/epic-socksd@target.service" 2>&1)
[ -z "$out" ] || {
	echo "$out"
	exit 1
}
systemd-analyze security --offline=yes --threshold=20 "$dir/epic-socksd@target.service" >"$dir/report" 2>&1 || {
	tail -n 40 "$dir/report"
	exit 1
}
tail -n 1 "$dir/report"
