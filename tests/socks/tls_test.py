#!/usr/bin/python3
"""TLS between clients and proxies and between proxies, with certificates of one authority, and what is refused."""
import os
import socket
import ssl

import world as w

CLIENT, FIRST, SECOND, SERVER, PORT = "127.0.0.5", "127.0.0.2", "127.0.0.3", "127.0.0.9", 8443

POLICY = """edition 1;
module study;
use std.security { segmentation };
use std.bridges as bf;
domain a {
  node pc { address %s; attributes {segmentation}; }
  node px : proxy { address %s; }
}
domain b {
  node store { address %s; }
  node px : proxy { address %s; hosts {bf.microsegment}; }
}
application share { flow a.pc => b.store when %d/tcp; }
target first  : socks { for share; at a.px; auth mtls; authority "file:ca.pem"; certificate "file:first.pem"; certificate-key "file:first.key"; }
target second : socks { for share; at b.px; auth mtls; authority "file:ca.pem"; certificate "file:second.pem"; certificate-key "file:second.key"; }
""" % (CLIENT, FIRST, SERVER, SECOND, PORT)


# ---- certificates ----

def make_authority(folder, name):
    w.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")


def make_certificate(folder, name, authority="ca"):
    w.sh("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
         "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr")
    w.sh("openssl", "x509", "-req", "-in", f"{folder}/{name}.csr", "-CA", f"{folder}/{authority}.pem", "-CAkey",
         f"{folder}/{authority}.key", "-CAcreateserial", "-days", "2", "-out", f"{folder}/{name}.pem")


# ---- clients ----

def dial(port, host, source=CLIENT):
    s = socket.create_connection((host, port), w.WAIT, source_address=(source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def under_tls(s, folder, name):
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    context.check_hostname = False
    if name:
        context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
    return context.wrap_socket(s)


def ask(s, data=b""):
    """The reply code, after which the server's bytes come."""
    s.sendall(w.request6(SERVER, PORT) + data)
    w.expect(w.auth_reply6(s)[0] == 0, "authentication")
    return w.reply6(s)[0]


def connected(world, name="pc"):
    s = under_tls(dial(1080, FIRST), world.plans, name)
    w.expect(ask(s) == 0, "the request is granted")
    return s


# ---- tests ----

def a_client_with_a_certificate_passes_both_proxies(world):
    with connected(world) as s:
        s.sendall(b"echo\n")
        w.expect(w.receive(s, 5) == b"echo\n", "the echo comes")


def many_bytes_pass_unchanged(world):
    data = os.urandom(3_000_000)
    with connected(world) as s:
        for start in range(0, len(data), 60_000):
            piece = data[start:start + 60_000]
            s.sendall(piece)
            w.expect(w.receive(s, len(piece)) == piece, f"bytes from {start} on are the same")


def nobody_passes_without_tls(_):
    with dial(1080, FIRST) as s:
        s.sendall(w.request6(SERVER, PORT))
        w.expect(w.is_over(s), "the first proxy closes")


def nobody_passes_without_certificate(world):
    for name in None, "stranger":
        try:
            with under_tls(dial(1080, FIRST), world.plans, name) as s:
                ask(s)
        except (ssl.SSLError, ConnectionResetError, EOFError):
            continue
        w.expect(False, f"{name} was let in")


def a_function_s_port_takes_no_proxy_without_certificate(world):
    """It comes from the address of the first proxy and tells the source that the plan wants."""
    told = w.option(65000, b"\x03\xe5\x00\x0e" + f"{CLIENT}:40000".encode())
    with dial(11080, SECOND, FIRST) as s:
        s.sendall(w.request6(SERVER, PORT, options=told))
        w.expect(w.is_over(s), "plain text is not heard")
    with under_tls(dial(11080, SECOND, FIRST), world.plans, "first") as s:
        s.sendall(w.request6(SERVER, PORT, options=told))
        w.expect(w.auth_reply6(s)[0] == 0 and w.reply6(s)[0] == 0, "with the certificate it is heard")


def a_proxy_whose_certificate_is_a_stranger_s_is_not_spoken_to(world):
    world.stop(world.second)
    start_second(world, "stranger")
    with under_tls(dial(1080, FIRST), world.plans, "pc") as s:
        w.expect(ask(s) != 0, "the request is refused")
    w.expect("certificate" in world.tail(world.first), "the log says that it is the certificate")
    world.stop(world.second)
    start_second(world, "second")
    with connected(world) as s:
        s.sendall(b"again\n")
        w.expect(w.receive(s, 6) == b"again\n", "with the right one it goes on")


def new_certificates_come_with_a_reload(world):
    with connected(world) as old:
        make_certificate(world.plans, "first")
        os.kill(world.first.pid, 1)
        w.eventually(lambda: "the new policy is in force" in world.tail(world.first), "it reloads")
        with connected(world) as s:
            w.expect(s.getpeercert()["notAfter"], "the peer shows one")
        old.sendall(b"still\n")
        w.expect(w.receive(old, 6) == b"still\n", "the old connection goes on")


def start_second(world, name):
    plan = world.plans
    for suffix in "pem", "key":
        with open(f"{plan}/{name}.{suffix}", "rb") as f, open(f"{plan}/used.{suffix}", "wb") as out:
            out.write(f.read())
    world.second = world.start("second", w.SOCKSD, "--plan", world.second_plan, "--target", "second", "--control", "none",
                               "--threads", "1", host=SECOND, port=1080)


TESTS = [a_client_with_a_certificate_passes_both_proxies, many_bytes_pass_unchanged, nobody_passes_without_tls,
         nobody_passes_without_certificate, a_function_s_port_takes_no_proxy_without_certificate,
         a_proxy_whose_certificate_is_a_stranger_s_is_not_spoken_to, new_certificates_come_with_a_reload]


def main():
    w.need("ip", "openssl")
    w.leave_network()
    world = w.World()
    w.Server(w.echo, SERVER, PORT)
    plan = world.compile("study", POLICY)
    world.plans = os.path.dirname(plan)
    make_authority(world.plans, "ca")
    make_authority(world.plans, "other")
    for name in "first", "second", "pc":
        make_certificate(world.plans, name)
    make_certificate(world.plans, "stranger", "other")
    # The same policy, with files that a test may exchange.
    used = world.compile("study", POLICY.replace("file:second.", "file:used."))
    world.second_plan = os.path.join(world.plans, "second.plan")
    os.rename(used, world.second_plan)
    plan = world.compile("study", POLICY)
    world.first = world.start("first", w.SOCKSD, "--plan", plan, "--target", "first", "--control", "none", "--threads",
                              "1", host=FIRST, port=1080)
    start_second(world, "second")
    w.run_tests(world, TESTS)


if __name__ == "__main__":
    main()
