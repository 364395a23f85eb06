#!/bin/sh
# lo_world.sh, and in it the whole of a policy on one loopback device, as the demo has it:
# nginx, the relay, servers and curl with the source address of its host.  As root and as
# another user, for whom nginx must run too.
set -u
srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
here=$srcdir/tests/e2e
policies=${EPIC_EXAMPLES:-$srcdir/examples}
epic=${EPIC:-./epic}
world='10.1.0.2 10.1.0.10 10.1.9.9 10.2.0.2 198.51.100.2 198.51.100.10 198.51.100.11 2001:db8:1::2'

die()
{
	echo "FAILED: $1"
	[ -f "${2-}" ] && cat "$2"
	exit 1
}

# ---- inside: a second process of this script ----

wait_for() # PATTERN FILE
{
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 100 ] || die "$2 never said '$1'" "$2"
		sleep 0.1
	done
}

ask() # SOURCE
{
	curl -sS --max-time 10 --noproxy '*' --interface "$1" --cacert compute.pem \
		--resolve compute.hub.test:8080:10.1.0.2 https://compute.hub.test:8080/ 2>&1
}

inside()
{
	nginx -t -p out/north-stream -c nginx.conf >nginx.log 2>&1 || die "nginx -t" nginx.log
	nginx -p out/north-stream -c nginx.conf >nginx.log 2>&1 || die "nginx" nginx.log
	trap 'kill $pids "$(cat out/north-stream/nginx.pid)" 2>/dev/null' EXIT
	pids=
	/usr/bin/python3 "$here/https_server.py" compute.pem compute.key 443 198.51.100.10 \
		198.51.100.11 >server.log 2>&1 &
	pids="$pids $!"
	/usr/bin/python3 "$here/relay.py" out/proxies.plan.json epi.sepsis.hub.px epi.sepsis.hub.px=198.51.100.2 \
		epi.sepsis.north.px=10.1.0.2 epi.sepsis.hub.compute=198.51.100.10,198.51.100.11 \
		>relay.log 2>&1 &
	pids="$pids $!"
	wait_for '^ready' server.log
	wait_for '^ready' relay.log
	case $(ask 10.1.0.10) in
	"server 198.51.100.10 "*) echo "ok: user $(id -u) reaches the server through the chain" ;;
	*) die "the flow's source does not reach the server" relay.log ;;
	esac
	[ "$(grep -c '=>' relay.log)" = 2 ] || die "two functions are on the way" relay.log
	ask 10.1.9.9 >/dev/null && die "a stranger is let in"
	ask 10.1.9.9 >/dev/null
	[ "$(grep -c '=>' relay.log)" = 2 ] || die "a stranger came as far as the functions" relay.log
	echo "ok: user $(id -u) is cut off with another address"
}

if [ "${1-}" = inside ]; then
	cd "$2" || exit 1
	inside
	exit 0
fi

# ---- outside ----

sh "$here/lo_world.sh" 10.1.0.2 -- true || { echo "skipped: no network namespaces here"; exit 77; }
for program in nginx openssl curl /usr/bin/python3; do
	command -v $program >/dev/null || { echo "skipped: $program is missing"; exit 77; }
done
[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || { echo "skipped: nginx has no stream module"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

sh "$here/lo_world.sh" 10.1.0.2 -- sh -c 'exit 7'
[ $? = 7 ] || die "the command's exit code is lost"
sh "$here/lo_world.sh" 10.1.0.2 -- ip route get 192.0.2.1 >/dev/null 2>&1 && die "the world has a way out"
sh "$here/lo_world.sh" 10.1.0.2 2>/dev/null && die "a missing command is taken"
LO_WATCH='echo watched' sh "$here/lo_world.sh" 10.1.0.2 10.2.0.2@10.1.0.2 -- \
	sh -c 'ip route get 10.2.0.2; sleep 0.2' >"$tmp/from" 2>&1 && grep -q 'src 10.1.0.2' "$tmp/from" &&
	grep -q '^watched' "$tmp/from" || die "an address is not reached from the one it should" "$tmp/from"
echo "ok: the world is closed and passes the exit code on"

cp "$policies/sepsis.epi" "$policies/proxies.epi" "$tmp/" || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
	-subj /CN=compute.hub.test -addext subjectAltName=DNS:compute.hub.test \
	-keyout "$tmp/compute.key" -out "$tmp/compute.pem" 2>/dev/null || die "openssl made no certificate"
"$epic" compile "$tmp/proxies.epi" -o "$tmp/out" --emit plan.json >"$tmp/epic.log" 2>&1 ||
	die "epic compile" "$tmp/epic.log"

# The scripts come along, for another user may not read the sources.
cp "$here/lo_world.sh" "$here/relay.py" "$here/https_server.py" "$tmp/"
mkdir -p "$tmp/tests/e2e" && cp "$here"/*.sh "$here"/*.py "$tmp/tests/e2e/" || exit 1
run="env srcdir=$tmp sh $tmp/lo_world.sh $world -- sh $tmp/tests/e2e/lo_world_test.sh inside $tmp"
$run || exit 1
[ "$(id -u)" = 0 ] || exit 0
if ! setpriv --reuid=65534 --regid=65534 --clear-groups unshare -rn true 2>/dev/null; then
	echo "user namespaces are closed here: only root was tried"
	exit 0
fi
rm -f "$tmp"/out/north-stream/*.log "$tmp"/*.log
chown -R 65534:65534 "$tmp"
setpriv --reuid=65534 --regid=65534 --clear-groups $run
