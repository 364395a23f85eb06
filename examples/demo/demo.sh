#!/bin/sh
# The main job on a real policy: a study that brings hospital data to a compute centre
# (../sepsis.epi) is compiled, the generated nginx.conf runs in a real nginx, and a real
# request goes through it; then one permit is taken away.
#
# Everything happens in a private network on the loopback device; nothing of this machine
# is reachable from it or changed by it.  Results stay in demo.out.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
epic=$top/epic
tools=$top/tests/e2e
out=$top/demo.out
python=/usr/bin/python3

stop()
{
	echo "demo: $*" >&2
	exit 5
}

# ---- inside the private network ----

wait_for() # FILE: its program has said that it is ready
{
	i=0
	until grep -q '^ready' "$1" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 100 ] || { cat "$1"; stop "$1 was never ready"; }
		sleep 0.1
	done
}

request()
{
	curl -sS --max-time 10 --noproxy '*' --interface 10.1.0.10 --cacert server.pem \
		--resolve compute.hub.test:8080:10.1.0.2 https://compute.hub.test:8080/ 2>&1 || true
}

inside()
{
	nginx -t -p first/north-stream -c nginx.conf >nginx.log 2>&1 || { cat nginx.log; stop "nginx refuses the file"; }
	nginx -p first/north-stream -c nginx.conf
	pids=
	trap 'kill $pids "$(cat first/north-stream/nginx.pid)" 2>/dev/null || true' EXIT
	$python "$tools/https_server.py" server.pem server.key 443 198.51.100.10 198.51.100.11 >server.log 2>&1 &
	pids="$pids $!"
	$python "$tools/relay.py" first/proxies.plan.json epi.sepsis.hub.px epi.sepsis.hub.px=198.51.100.2 \
		epi.sepsis.north.px=10.1.0.2 epi.sepsis.hub.compute=198.51.100.10,198.51.100.11 >relay.log 2>&1 &
	pids="$pids $!"
	wait_for server.log
	wait_for relay.log
	request >passed
	# The new file in the place of the old one; the running nginx takes it over.
	cp second/north-stream/nginx.conf first/north-stream/nginx.conf
	nginx -p first/north-stream -c nginx.conf -s reload 2>>nginx.log
	i=0
	while request >refused && ! grep -q '^curl' refused && [ $i -lt 50 ]; do
		i=$((i + 1))
		sleep 0.1
	done
}

if [ "${1-}" = inside ]; then
	cd "$out"
	inside
	exit
fi

# ---- the policy, three times ----

rm -rf "$out"
mkdir -p "$out/without-permit" "$out/without-flow"
cd "$out"
echo "compiling examples/proxies.epi, which brings examples/sepsis.epi to proxies"
"$epic" compile "$top/examples/proxies.epi" -o first --emit plan.json
"$epic" graph --view flows "$top/examples/sepsis.epi" -o sepsis.svg
"$epic" explain areas "$top/examples/sepsis.epi" >areas
"$epic" explain 'north.ehr => hub.compute' "$top/examples/sepsis.epi" >flow

# One permit less ...
permit='permit ehr => hub.compute when https carries pseudonymised;'
for variant in without-permit without-flow; do
	cp "$top"/examples/*.epi $variant/
	sed -i "/^  $permit\$/d" $variant/sepsis.epi
done
"$epic" check without-permit/sepsis.epi >verdict 2>&1 && stop "the policy should not pass without its permit"
# ... and the study no longer asks for what nobody permits.
sed -i 's/flow {north.ehr, lake.ehr} => /flow lake.ehr => /' without-flow/sepsis.epi
"$epic" compile without-flow/proxies.epi -o second

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=compute.hub.test \
	-addext subjectAltName=DNS:compute.hub.test -keyout server.key -out server.pem 2>openssl.log ||
	{ cat openssl.log; stop "no certificate"; }

status=0
sh "$tools/lo_world.sh" 10.1.0.2 10.1.0.10 198.51.100.2 198.51.100.10 198.51.100.11 -- sh "$top/examples/demo/demo.sh" inside || status=$?
[ $status != 77 ] || stop "this machine does not allow a private network; try as root"
[ $status = 0 ] || stop "the private network failed; see $out"

# ---- one screen ----

clear_screen=
[ ! -t 1 ] || clear_screen=$(tput clear 2>/dev/null || true)
printf '%s' "$clear_screen"
sed '/^Rules and labels/d' areas
echo
sed -n '1p; /^  status/p; /^  because/p; /^  bridge/p' flow
echo
echo "A request of 10.1.0.10 (north.ehr) through the generated nginx.conf, then"
echo "($(head -n 1 relay.log))"
echo "  passed:   $(head -n 1 passed)"
echo
echo "The same request after one line is taken out of domain north:"
echo "    $permit"
sed -n '1p; /-->/p; /default deny/p' verdict | sed "s#without-permit/#examples/#; s/^/  /"
echo "  refused:  $(head -n 1 refused)"
echo
echo "The picture:      $out/sepsis.svg"
echo "What was written: $out/first"
grep -q '^server 198.51.100' passed || stop "the request did not pass"
grep -q '^curl' refused || stop "the request was not refused"
