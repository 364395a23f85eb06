#!/bin/sh
# lo_world.sh ADDRESS[@FROM]... -- COMMAND [ARGUMENT...]
#
# Runs COMMAND in a network of its own in which this machine has every ADDRESS, all on the
# loopback device: clients, proxies and servers of a policy side by side, reachable by
# nobody else.  @FROM: connections to ADDRESS come from that address unless they are bound
# to another.  LO_WATCH, if it is set, is a command that looks at the loopback device, run
# in the background before rights are given up.  As root or as any user who may make user
# namespaces; COMMAND keeps its user, and may listen on any port.  The network ends with the
# last process in it.
# Exit 77, with the reason, where the kernel forbids it; 2 for wrong use; else COMMAND's.
set -u

if [ "${LO_WORLD-}" != inside ]; then
	command -v unshare >/dev/null && command -v ip >/dev/null || {
		echo "lo_world: unshare or ip is missing (Debian: util-linux, iproute2)" >&2
		exit 77
	}
	if [ "$(id -u)" = 0 ]; then
		unshare -n true 2>/dev/null && LO_WORLD=inside exec unshare -n sh "$0" "$@"
	else
		unshare -rn true 2>/dev/null &&
			LO_WORLD=inside LO_USER="$(id -u)" LO_GROUP="$(id -g)" exec unshare -rn sh "$0" "$@"
	fi
	echo "lo_world: this kernel does not let this user make network namespaces" >&2
	exit 77
fi

ip link set lo up || exit 77
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	address=${1%@*}
	case $address in
	*:*) ip address add "$address/128" dev lo nodad || exit 2 ;;
	*) ip address add "$address/32" dev lo || exit 2 ;;
	esac
	case $1 in
	*@*) ip route change local "$address" dev lo table local src "${1#*@}" scope host || exit 2 ;;
	esac
	shift
done
[ $# -gt 1 ] || { echo "usage: lo_world.sh ADDRESS[@FROM]... -- COMMAND [ARGUMENT...]" >&2; exit 2; }
shift
unset LO_WORLD address
[ -z "${LO_WATCH-}" ] || sh -c "$LO_WATCH" &
[ -n "${LO_USER-}" ] || exec "$@"

# What is root in here can change to no other user, which programs that drop their rights
# (nginx) do not survive: become the caller again.
echo 0 2>/dev/null >/proc/sys/net/ipv4/ip_unprivileged_port_start
user=$LO_USER group=$LO_GROUP
unset LO_USER LO_GROUP
exec unshare -U --map-user="$user" --map-group="$group" -- "$@"
