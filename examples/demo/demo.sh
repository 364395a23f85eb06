#!/bin/sh
# The main job on a real policy: a hospital sends records to an institute that can neither
# encrypt nor log (../hospital.epi).  The policy is compiled, the generated nginx.conf runs in
# a real nginx, epic-socksd runs at the proxy of either site, and a real request goes through
# all of them; then one permit is taken away.
#
# Everything happens in a private network on the loopback device; nothing of this machine
# is reachable from it or changed by it.  Results stay in demo.out.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
epic=$top/epic
socksd=$top/epic-socksd
tools=$top/tests/socks
out=$top/demo.out
python="/usr/bin/python3 -B"
flow='clinic.ehr => institute.archive'

stop()
{
	echo "demo: $*" >&2
	exit 5
}

# ---- inside the private network ----

wait_for() # PATTERN FILE: its program says so
{
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 100 ] || { cat "$2"; stop "$2 never said '$1'"; }
		sleep 0.1
	done
}

proxy() # SITE: epic-socksd at its proxy, in the background
{
	"$socksd" --plan hospital.plan --target "$1-chain" --functions "$1.json" --control none >"$1.log" 2>&1 &
	pids="$pids $!"
}

request() # by a client that knows nothing of proxies but nginx's address
{
	curl -sS --max-time 10 --noproxy '*' --interface 10.1.0.10 http://10.1.0.2:8080/record.txt 2>&1 || true
}

inside()
{
	nginx -t -p first/clinic-front -c nginx.conf >nginx.log 2>&1 || { cat nginx.log; stop "nginx refuses the file"; }
	nginx -p first/clinic-front -c nginx.conf
	pids=
	trap 'kill $pids "$(cat first/clinic-front/nginx.pid)" 2>/dev/null || true' EXIT
	$python -u -m http.server 443 --bind 10.2.0.10 --directory archive >archive.log 2>&1 &
	pids="$pids $!"
	proxy institute
	wait_for '10.2.0.2:11082' institute.log
	proxy clinic
	clinic=$!
	wait_for '10.1.0.2:11081' clinic.log
	wait_for '^Serving' archive.log
	wait_for '^ready' wire
	request >passed
	wait_for 'to the archive' wire
	# The new plan in the place of the old one; the running proxy takes it over.
	cp second/hospital.plan hospital.plan.new
	mv hospital.plan.new hospital.plan
	kill -HUP $clinic
	wait_for 'the new policy is in force' clinic.log
	$python "$tools/socks6_get.py" 10.1.0.10 10.1.0.2:1080 10.2.0.10:443 /record.txt >refused 2>&1 || true
	wait_for 'is forbidden' clinic.log
}

if [ "${1-}" = inside ]; then
	cd "$out"
	inside
	exit
fi

# ---- the policy, twice ----

rm -rf "$out"
mkdir -p "$out/less" "$out/archive"
cd "$out"
echo "compiling examples/hospital.epi"
"$epic" compile "$top/examples/hospital.epi" -o first
"$epic" graph --view flows "$top/examples/hospital.epi" -o hospital.svg
"$epic" explain areas "$top/examples/hospital.epi" >areas
"$epic" explain "$flow" "$top/examples/hospital.epi" >flow
cp first/hospital.plan .

# One permit less.
sed '/^  permit ehr/s/institute.archive, //' "$top/examples/hospital.epi" >less/hospital.epi
"$epic" compile less/hospital.epi -o second >verdict 2>&1 && stop "the policy should not pass without its permit"

# What the functions are told beside the policy: where to write, where the keys are.
echo 'pseudonym 4711: sepsis, day 3' >archive/record.txt
(umask 077 && mkdir keys && openssl rand -hex 32 >keys/1.key)
cat >clinic.json <<END
{"settings": {"std.bridges.recorder": {"file": "$out/audit.log"}, "std.bridges.seal": {"keys": "$out/keys"}}}
END
cat >institute.json <<END
{"settings": {"std.bridges.key-broker": {"keys": "$out/keys"}, "std.bridges.unseal": {"keys": "$out/keys"}}}
END

LO_WATCH="exec timeout 30 $python $tools/wire.py lo 10.1.0.2:8080 'to nginx at the clinic' \
	10.2.0.2:11080 'between the proxies' 10.2.0.10:443 'to the archive' >wire 2>&1"
export LO_WATCH
status=0
sh "$top/tests/e2e/lo_world.sh" 10.1.0.2 10.1.0.10 10.2.0.2@10.1.0.2 10.2.0.10@10.2.0.2 2001:db8:1::2 -- \
	sh "$top/examples/demo/demo.sh" inside || status=$?
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
echo "A request of 10.1.0.10 (clinic.ehr) through the generated nginx.conf and both proxies' functions:"
echo "  arrives:  $(head -n 1 passed) (the archive was asked by $(sed -n '/"GET /s/ .*//p' archive.log | head -n 1))"
for leg in 'to nginx' 'between' 'to the archive'; do
	sed -n "s/^$leg/  &/p" wire
done
echo "  recorded: $(sed -n 's/.*"source":"\([0-9.]*\)[^"]*","destination":"\([^"]*\)".*/\1 to \2/p' audit.log | head -n 1), $("$socksd" audit audit.log | head -n 1)"
echo
echo "The same after one permit is taken out of domain clinic and its proxy has reloaded:"
sed -n '1p; /-->/p; /default deny/p' verdict | sed 's#less/#examples/#; s/^/  /'
echo "  refused:  $(head -n 1 refused)"
echo "  the log:  $(grep -o 'reason=.*forbidden.*' clinic.log | tail -n 1)"
echo
echo "The picture:      $out/hospital.svg"
echo "What was written: $out/first"
grep -q '^pseudonym' passed || stop "the request did not pass"
! grep 'between' wire | grep -q GET || stop "the request was not sealed"
grep -q 'reply 2' refused || stop "the request was not refused"
