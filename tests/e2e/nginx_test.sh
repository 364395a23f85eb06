#!/bin/sh
# Real nginx with the nginx.conf that epic writes, real HTTPS servers, real curl, each host
# of the policy in a network namespace of its own; relay.py stands in for the functions
# on hub.px.  EPIC names the compiler, srcdir the top of the sources.
set -u
srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
here=$srcdir/tests/e2e
policies=${EPIC_EXAMPLES:-$srcdir/examples}
epic=${EPIC:-./epic}
id=e2e$$
hosts='north northpx lake lakepx pacs hubpx compute stranger'
pids=
failures=0

skip()
{
	echo "skipped: $1"
	exit 77
}

# Only what this test started and made.
clean()
{
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	for conf in "$tmp"/out/*/nginx.pid; do
		[ -s "$conf" ] && kill "$(cat "$conf")" 2>/dev/null
	done
	for host in $hosts lan; do
		ip netns delete "$id-$host" 2>/dev/null
	done
	rm -rf "$tmp"
}

check() # NAME COMMAND...
{
	name=$1
	shift
	if "$@"; then
		echo "ok: $name"
	else
		echo "FAILED: $name"
		failures=$((failures + 1))
	fi
}

die()
{
	echo "FAILED: $1"
	[ -f "${2-}" ] && cat "$2"
	exit 1
}

[ "$(id -u)" = 0 ] || skip "only root makes network namespaces"
for program in ip nginx openssl curl /usr/bin/python3; do
	command -v $program >/dev/null || skip "$program is missing"
done
[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || skip "nginx has no stream module (Debian: libnginx-mod-stream)"
ip netns add "$id-lan" 2>/dev/null || skip "this kernel or container does not allow network namespaces"
tmp=$(mktemp -d)
trap clean EXIT
trap 'exit 1' INT TERM HUP
ip -n "$id-lan" link add br0 type bridge 2>/dev/null || skip "this kernel has no bridges"
ip -n "$id-lan" link set br0 up

# ---- one wire, and on it every host with its addresses ----

in_host() # HOST COMMAND...
{
	host=$1
	shift
	ip netns exec "$id-$host" "$@"
}

add_host() # HOST ADDRESS...
{
	host=$1
	shift
	ip netns add "$id-$host" &&
		ip -n "$id-lan" link add "$host" type veth peer name eth0 netns "$id-$host" &&
		ip -n "$id-lan" link set "$host" master br0 up &&
		ip -n "$id-$host" link set lo up &&
		ip -n "$id-$host" link set eth0 up || return 1
	for address; do
		ip -n "$id-$host" address add "$address/32" dev eth0 || return 1
	done
	ip -n "$id-$host" route add default dev eth0 src "$1"
}

add_host north 10.1.0.10 &&
	add_host northpx 10.1.0.2 &&
	add_host lake 10.2.0.10 &&
	add_host lakepx 10.2.0.2 &&
	add_host pacs 10.2.1.10 &&
	add_host hubpx 198.51.100.2 &&
	add_host compute 198.51.100.10 198.51.100.11 &&
	add_host stranger 192.0.2.66 || die "the hosts could not be made"

# ---- the policy, compiled; certificates that live as long as this test ----

certificate() # NAME DNS-NAME
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
		-keyout "$tmp/$1.key" -out "$tmp/$1.pem" 2>/dev/null || die "openssl made no certificate"
}

certificate compute compute.hub.test
certificate lake web.lake.test
cp "$policies/sepsis.epi" "$tmp/" || exit 1
sed "s,file:/etc/epic/,file:$tmp/,g" "$policies/proxies.epi" >"$tmp/proxies.epi"
"$epic" compile "$tmp/proxies.epi" -o "$tmp/out" --emit plan.json >"$tmp/epic.log" 2>&1 ||
	die "epic compile" "$tmp/epic.log"
plan=$tmp/out/proxies.plan.json
[ -s "$plan" ] || die "epic compile wrote no plan.json"

# ---- servers ----

wait_for() # PATTERN FILE
{
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 100 ] || die "$2 never said '$1'" "$2"
		sleep 0.1
	done
}

ip netns exec "$id-compute" /usr/bin/python3 "$here/https_server.py" "$tmp/compute.pem" "$tmp/compute.key" 443 \
	198.51.100.10 198.51.100.11 >"$tmp/server.log" 2>&1 &
pids="$pids $!"
ip netns exec "$id-hubpx" /usr/bin/python3 "$here/relay.py" "$plan" epi.sepsis.hub.px epi.sepsis.hub.px=198.51.100.2 \
	epi.sepsis.north.px=10.1.0.2 epi.sepsis.hub.compute=198.51.100.10,198.51.100.11 \
	>"$tmp/relay.log" 2>&1 &
pids="$pids $!"
wait_for '^ready' "$tmp/server.log"
wait_for '^ready' "$tmp/relay.log"
check "the relay says that it is a stand-in" sh -c 'head -n 1 "$1" | grep -q stand-in' - "$tmp/relay.log"

start_nginx() # HOST TARGET
{
	in_host "$1" nginx -t -p "$tmp/out/$2" -c nginx.conf >"$tmp/$2.log" 2>&1 ||
		die "nginx -t refuses the configuration of $2" "$tmp/$2.log"
	grep -q '\[warn\]' "$tmp/$2.log" && die "nginx -t warns about $2" "$tmp/$2.log"
	in_host "$1" nginx -p "$tmp/out/$2" -c nginx.conf >"$tmp/$2.log" 2>&1 ||
		die "nginx does not start with the configuration of $2" "$tmp/$2.log"
	echo "ok: nginx accepts and runs the configuration of $2"
}

start_nginx northpx north-stream
start_nginx lakepx lake-web

# ---- mode stream, through the chain ----

ask() # HOST NAME PORT ADDRESS CA [CURL ARGUMENT...]
{
	host=$1 name=$2 port=$3 address=$4 ca=$5
	shift 5
	in_host "$host" curl -sS --max-time 10 --noproxy '*' --cacert "$ca" \
		--resolve "$name:$port:$address" "$@" "https://$name:$port/" 2>&1
}

north() # PORT [CURL ARGUMENT...]
{
	port=$1
	shift
	ask north compute.hub.test "$port" 10.1.0.2 "$tmp/compute.pem" "$@"
}

answers() # TEXT COMMAND...
{
	wanted=$1
	shift
	answer=$("$@")
	[ "$answer" = "$wanted" ] || { echo "  wanted: $wanted"; echo "  answer: $answer"; return 1; }
}

# The relay passes bytes on, so TLS reaches from end to end.
check "north reaches the first server by the first port" \
	answers "server 198.51.100.10 host compute.hub.test:8080 client 198.51.100.2" north 8080
check "north reaches the second server by the second port" \
	answers "server 198.51.100.11 host compute.hub.test:8081 client 198.51.100.2" north 8081

flow='epi.sepsis.north.ehr => epi.sepsis.hub.compute'
passes()
{
	for server in 198.51.100.10 198.51.100.11; do
		echo "$flow: 1 std.bridges.key-broker client 10.1.0.10 to 198.51.100.2:11081"
		echo "$flow: 2 std.bridges.microsegment client 10.1.0.10 to $server:443"
	done
}
passes >"$tmp/wanted"
grep '=>' "$tmp/relay.log" >"$tmp/passed"
check "both connections passed both functions in order" diff -u "$tmp/wanted" "$tmp/passed"

head -c 3000000 /dev/zero | tr '\0' x >"$tmp/body"
sum=$(sha256sum <"$tmp/body" | cut -d' ' -f1)
check "a large body arrives whole through the chain" answers "$sum" north 8080 --data-binary "@$tmp/body"

is_cut() # COMMAND...
{
	answer=$("$@")
	code=$?
	[ $code -ne 0 ] || { echo "  answer: $answer"; return 1; }
	# 7: refused, 35 and 56: closed; anything else (28, a timeout) would be another story.
	case $code in 7 | 35 | 56) return 0 ;; esac
	echo "  curl: $code $answer"
	return 1
}
n_before=$(grep -c '=>' "$tmp/relay.log")
check "a stranger is cut off" is_cut ask stranger compute.hub.test 8080 10.1.0.2 "$tmp/compute.pem"
check "the lake is cut off at the north's proxy" \
	is_cut ask lake compute.hub.test 8081 10.1.0.2 "$tmp/compute.pem"
check "nothing of them came as far as the functions" \
	[ "$(grep -c '=>' "$tmp/relay.log")" = "$n_before" ]
check "a port that the plan does not give out is closed" \
	is_cut ask north compute.hub.test 8082 10.1.0.2 "$tmp/compute.pem"
# A session is noted when it ends, which may be a little later than curl.
noted() # PATTERN FILE
{
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 50 ] || { cat "$2"; return 1; }
		sleep 0.1
	done
}
check "the access log names the flow" \
	noted "\"$flow\" 10.1.0.10 10.1.0.2:8080 198.51.100.2:11082 200" "$tmp/out/north-stream/access.log"
check "and notes who was refused" noted '192.0.2.66 .* 403 ' "$tmp/out/north-stream/access.log"

# ---- mode http with TLS ----

lake() # PORT [CURL ARGUMENT...]
{
	port=$1
	shift
	ask lake web.lake.test "$port" 10.2.0.2 "$tmp/lake.pem" "$@"
}

# The proxy ends TLS with its own certificate and asks the server under TLS again.
check "lake reaches the first server" \
	answers "server 198.51.100.10 host web.lake.test:8443 client 10.2.0.2" lake 8443
check "lake reaches the second server" \
	answers "server 198.51.100.11 host web.lake.test:8444 client 10.2.0.2" lake 8444
check "a large body arrives whole" answers "$sum" lake 8443 --data-binary "@$tmp/body"
check "a body of unknown length arrives whole" \
	answers "$sum" lake 8444 -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/body"

upgrade()
{
	in_host lake /usr/bin/python3 - "$tmp/lake.pem" <<'PYTHON'
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
with socket.create_connection(("10.2.0.2", 8443), 10) as plain:
    with context.wrap_socket(plain, server_hostname="web.lake.test") as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: web.lake.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += s.recv(4096) or sys.exit("closed")
        s.sendall(b"ping")
        head, _, rest = data.partition(b"\r\n\r\n")
        while len(rest) < 4:
            rest += s.recv(4096) or sys.exit("closed")
        print(head.split(b" ")[1].decode(), rest.decode())
PYTHON
}
check "an upgraded connection passes both ways" answers "101 ping" upgrade

status() # HOST
{
	ask "$1" web.lake.test 8443 10.2.0.2 "$tmp/lake.pem" -o /dev/null -w '%{http_code}'
}
check "the flow's source is let in" answers 200 status lake
check "another node of the same domain is refused" answers 403 status pacs
check "a stranger is refused" answers 403 status stranger
check "the access log names the flow" \
	noted '"epi.sepsis.lake.ehr => epi.sepsis.hub.compute" 10.2.0.10 10.2.0.2:8443 198.51.100.10:443 200' \
	"$tmp/out/lake-web/access.log"

[ $failures = 0 ] || { echo "$failures checks failed"; tail -n 20 "$tmp"/*.log "$tmp"/out/*/error.log; exit 1; }
echo "all checks passed"
