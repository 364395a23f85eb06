#!/bin/sh
# Real curl and a real server in two network namespaces, and epic-dpdkd between them.
[ "$(id -u)" = 0 ] || { echo "network namespaces need root"; exit 77; }
ip netns add epic-try-$$ 2>/dev/null || { echo "no network namespaces here"; exit 77; }
ip netns exec epic-try-$$ true 2>/dev/null
works=$?
ip netns del epic-try-$$
[ $works = 0 ] || { echo "nothing runs in a network namespace here"; exit 77; }
exec /usr/bin/python3 "${srcdir:-$(dirname "$0")/../..}/tests/dpdk/veth_test.py"
