#!/usr/bin/python3
"""One HTTP request by SOCKS6, by a client that knows the proxy.

    socks6_get.py CLIENT PROXY:PORT HOST:PORT PATH

prints the last line of the answer, or what the proxy replied."""
import socket
import sys

import world as w

WORDS = {1: "failed", 2: "not allowed by the policy", 3: "network unreachable", 4: "host unreachable", 5: "refused"}


def ends(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    client, proxy, (host, port), path = sys.argv[1], ends(sys.argv[2]), ends(sys.argv[3]), sys.argv[4]
    with socket.create_connection(proxy, w.WAIT, (client, 0)) as s:
        s.sendall(w.request6(host, port))
        w.auth_reply6(s)
        code = w.reply6(s)[0]
        if code:
            sys.exit(f"SOCKS6 reply {code}, {WORDS.get(code, 'see the log')}")
        s.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        print(w.receive_all(s).decode().strip().rpartition("\n")[2])


if __name__ == "__main__":
    main()
