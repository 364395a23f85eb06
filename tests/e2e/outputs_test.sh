#!/bin/sh
# What epic writes appears whole or not at all, hand edits survive, and trouble with the
# environment is said clearly (exit 5).
set -u
epic=${EPIC:-$(pwd)/epic}
src=${srcdir:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export ASAN_OPTIONS=detect_leaks=0
cp "$src"/examples/*.epi "$tmp/"
cd "$tmp" || exit 99
failed=0

check() # WHAT EXPECTED ACTUAL
{
	[ "$2" = "$3" ] && return
	echo "$1: expected '$2', got '$3'"
	failed=1
}

run()
{
	"$epic" "$@" >out.txt 2>err.txt
	echo $?
}

says() # WHAT PATTERN
{
	grep -q "$2" out.txt err.txt || { echo "$1: nothing says '$2'"; cat out.txt err.txt; failed=1; }
}

check "a first run" 0 "$(run compile proxies.epi)"
check "a second run" 0 "$(run compile proxies.epi)"
echo "# my own line" >>proxies.out/north-stream/nginx.conf
check "an edited output" 1 "$(run compile proxies.epi)"
says "an edited output" E0807
check "the edit is still there" 1 "$(grep -c 'my own line' proxies.out/north-stream/nginx.conf)"
check "--force" 0 "$(run compile --force proxies.epi)"
check "the edit is gone" 0 "$(grep -c 'my own line' proxies.out/north-stream/nginx.conf)"
check "after --force" 0 "$(run compile proxies.epi)"
check "only one target" 0 "$(run compile proxies.epi -o one -t hub-chain)"
check "files of one target" one/hub-chain/chains.txt "$(find one -name '*.txt' -o -name '*.conf')"

# A failing policy leaves what was written before, but for the plan.
before=$(cat proxies.out/*/nginx.conf | cksum)
sed -i 's/  permit ehr => hub.compute when https carries pseudonymised;//' sepsis.epi
check "a flow that is not permitted" 1 "$(run compile proxies.epi)"
check "its targets are left alone" "$before" "$(cat proxies.out/*/nginx.conf | cksum)"
check "no temporary file is left" "" "$(find proxies.out -regex '.*\.[A-Za-z0-9]\{6\}')"

check "a file as output directory" 5 "$(run compile bng.epi -o sepsis.epi/x)"
says "a file as output directory" 'cannot write'
check "a directory as input" 2 "$(run check "$tmp/proxies.out")"
check "a missing file" 2 "$(run check nothing.epi)"
check "an unknown flag" 2 "$(run check --fromat json bng.epi)"
says "an unknown flag" "did you mean '--format'"
check "an unknown command" 2 "$(run chekc bng.epi)"
check "a later command" 2 "$(run whatif bng.epi)"
check "a full disk" 5 "$("$epic" version >/dev/full 2>err.txt; echo $?)"
"$epic" compile --only-emit --emit plan.json -o - sepsis.epi 2>/dev/null | head -c 1 >/dev/null
if [ "$(id -u)" != 0 ]; then
	mkdir closed
	chmod 500 closed
	check "no permission" 5 "$(run compile bng.epi -o closed/x)"
fi

# Enough of everything, garbage included, and never a crash.
head -c 3000000 /dev/urandom >noise.epi
check "random bytes" 1 "$(run check noise.epi)"
base64 -w 0 noise.epi >words.epi
check "a line of four million letters" 1 "$(run check words.epi)"
printf 'edition 1;\n\000' >nul.epi
check "a NUL byte" 1 "$(run check nul.epi)"
says "a NUL byte" E0003
{ printf 'edition 1; let a = '; head -c 200000 /dev/zero | tr '\0' '('; } >deep.epi
check "200 000 open parentheses" 1 "$(run check deep.epi)"
{ echo 'edition 1;'; i=0; while [ $i -lt 10000 ]; do echo "attribute a$i; domain d$i { node n; }"; i=$((i + 1)); done; } >many.epi
check "10 000 domains" 0 "$(run check many.epi)"
: >empty.epi
check "an empty file" 0 "$(run check empty.epi)"

# What a shell proposes.
complete_words() # WORD...
{
	bash -c 'epic=$1; shift; source <("$epic" completion bash); COMP_WORDS=(epic "$@"); COMP_CWORD=$#; _epic; echo "${COMPREPLY[@]}"' \
		bash "$epic" "$@"
}
check "a command" "check" "$(complete_words ch)"
check "a flag" "--format" "$(complete_words check --fo)"
check "a value" "plain" "$(complete_words check --format pl)"
check "only flags of the command" "" "$(complete_words check --emi)"
"$epic" completion zsh >zsh.txt && "$epic" completion fish >fish.txt || { echo "no completion"; failed=1; }
check "another shell" 2 "$(run completion tcsh)"

# A pipe is written to; no file takes its place, as none may take that of a device.
mkfifo pipe
timeout 20 cat pipe >piped.txt &
check "into a pipe" 0 "$(run explain areas sepsis.epi -o pipe)"
wait
check "the pipe is still one" pipe "$([ -p pipe ] && echo pipe)"
check "what came out" 1 "$([ -s piped.txt ] && echo 1)"
timeout 20 cat pipe >piped.txt &
"$epic" graph sepsis.epi -o pipe
wait
check "the pipe after a drawing" pipe "$([ -p pipe ] && echo pipe)"
check "the drawing" 1 "$(grep -c '<svg' piped.txt)"

# The first Ctrl-C keeps the best answer; a kill leaves no half file.
"$src/examples/alpine/tree" 6 2 >tree.epi
"$epic" compile tree.epi --emit plan.json --time-limit 50s >out.txt 2>err.txt &
solver=$!
sleep 2
kill -INT $solver
wait $solver
check "interrupted once" 4 $?
says "interrupted once" W0702
check "the best answer is written" 1 "$(grep -c '"id": "t0"' tree.out/tree.plan.json)"
rm -rf tree.out
"$epic" compile tree.epi --time-limit 50s >out.txt 2>err.txt &
solver=$!
sleep 1
kill -KILL $solver
wait $solver 2>/dev/null
check "killed while solving" "" "$(ls tree.out 2>/dev/null)"

# Another solver's answer is judged: the right cut, one that does not do, one of nothing.
cp "$src/tests/golden/cases/slo_hidden-queue.epi" offline.epi
echo "q.p.c 1" >right.sol
echo "q.p.c 0" >wrong.sol
echo "nothing" >other.sol
check "a right solution" 0 "$(run compile offline.epi --emit plan.json --offline-solution right.sol)"
check "it is told" 1 "$(grep -c '"name": "offline"' offline.out/offline.plan.json)"
check "a wrong solution" 4 "$(run compile offline.epi --offline-solution wrong.sol)"
says "a wrong solution" "do not meet"
check "another solution" 4 "$(run compile offline.epi --offline-solution other.sol)"
says "another solution" "names no queue"
check "no solution" 2 "$(run compile offline.epi --offline-solution none.sol)"

# From anywhere, and installed somewhere else.
cd / && check "from another directory" 0 "$("$epic" check "$tmp/bng.epi" >/dev/null 2>&1; echo $?)"
mkdir -p "$tmp/usr/bin" "$tmp/usr/share/epic"
cp "$epic" "$tmp/usr/bin/"
cp -r "$src/stdlib" "$tmp/usr/share/epic/"
check "installed elsewhere" 0 "$("$tmp/usr/bin/epic" check "$tmp/bng.epi" >/dev/null 2>&1; echo $?)"
exit $failed
