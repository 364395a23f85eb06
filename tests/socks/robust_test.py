#!/usr/bin/python3
"""What epic-socksd does among those who do not behave: thousands who say nothing, slow readers, half-closes, resets, half
handshakes, no descriptors left.  Memory stays bounded, nobody is stuck, and afterwards all is as before."""
import hashlib
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
import time

import world as w
from world import expect

OPEN, FEW = 1180, 1181
IDLE = max(100, 9000 // w.SCALE)
MOST_PER_IDLE = 12288  # bytes of the proxy's memory for each; measured are some 1 000
BIG = 64 << 20
SERVER = "127.0.1.1"


# ---- roles of their own ----

def raise_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def role_server(port):
    """Echoes whatever comes, on any number of connections."""
    raise_limit()
    listener = socket.create_server((SERVER, int(port)), backlog=4096)
    poll, connections = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                s, _ = listener.accept()
                connections[s.fileno()] = s
                poll.register(s, select.EPOLLIN)
                continue
            try:
                data = connections[fd].recv(65536)
                connections[fd].sendall(data)
            except OSError:
                data = b""
            if not data:
                poll.unregister(fd)
                connections.pop(fd).close()


def role_client(proxy, port, count):
    """Opens COUNT connections, says so, and at each line of standard input uses some of them."""
    raise_limit()
    connections = []
    for i in range(int(count)):
        s = w.dial(int(proxy))
        s.sendall(w.GREETING + w.request5(SERVER, int(port)) if i % 2 else w.request6(SERVER, int(port)))
        connections.append(s)
        if i >= 64:
            finish(connections[i - 64], (i - 64) % 2)
    for i in range(max(0, len(connections) - 64), len(connections)):
        finish(connections[i], i % 2)
    print("ready", flush=True)
    for line in sys.stdin:
        for i in range(0, len(connections), 97):
            connections[i].sendall(line.encode())
            expect(w.receive(connections[i], len(line)) == line.encode(), f"an echo on connection {i}")
        print("ok", flush=True)


def finish(s, five):
    if five:
        good = w.receive(s, 2) == b"\5\0" and w.reply5(s)[0] == 0
    else:
        good = w.auth_reply6(s)[0] == 0 and w.reply6(s)[0] == 0
    expect(good, "the connection is made")


# ---- idle connections ----

def thousands_of_idle_connections(world):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = min(IDLE, (hard - 500) // 2)
    proxy = world.open_proxy("idle", 1182, limit=hard)
    world.start("idle server", sys.executable, __file__, "server", "8100", port=8100, host=SERVER)
    base, before = descriptors_at_rest(proxy), w.memory(proxy)
    client = subprocess.Popen([sys.executable, __file__, "client", "1182", "8100", str(count)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        expect(client.stdout.readline() == "ready\n", f"{count} connections are made")
        expect(w.descriptors(proxy) >= 2 * count, f"{w.descriptors(proxy)} descriptors")
        each = (w.memory(proxy) - before) / count
        expect(each < MOST_PER_IDLE, f"{each:.0f} bytes for each idle connection")
        spent = w.cpu(proxy)
        time.sleep(1)
        expect(w.cpu(proxy) - spent < 0.3, f"{w.cpu(proxy) - spent} s of a second for nothing")
        for text in "hello\n", "again\n":
            client.stdin.write(text)
            client.stdin.flush()
            expect(client.stdout.readline() == "ok\n", "some of them are used")
    finally:
        client.kill()
        client.wait()
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back", 30)
    print(f"  {count} idle connections, {each:.0f} bytes each")
    return None


def descriptors_at_rest(proxy):
    """After a connection has passed: pools are filled, helpers are there."""
    with w.connect5(port_of(proxy), SERVER, ECHO.port) as s:
        s.sendall(b"x")
        w.receive(s, 1)
    time.sleep(0.3)
    return w.descriptors(proxy) + 4


def port_of(proxy):
    return {"open": OPEN, "few": FEW, "idle": 1182}[proxy.name]


# ---- slow readers ----

def a_slow_reader_takes_no_memory(world):
    proxy = the("open", world)
    before = w.memory(proxy)
    readers = [w.connect6(OPEN, SERVER, SOURCE.port) if i % 2 else w.connect5(OPEN, SERVER, SOURCE.port) for i in range(8)]
    time.sleep(1)
    grown = w.memory(proxy) - before
    expect(grown < 32 << 20, f"{grown >> 20} MiB for {len(readers)} slow readers")
    spent = w.cpu(proxy)
    time.sleep(1)
    expect(w.cpu(proxy) - spent < 0.3, f"{w.cpu(proxy) - spent} s of a second for nothing")
    with w.connect5(OPEN, SERVER, ECHO.port) as s:
        s.sendall(b"others go on")
        expect(w.receive(s, 12) == b"others go on", "others go on")
    for i, s in enumerate(readers):
        s.settimeout(60)
        if i == 0:
            digest = hashlib.sha256(w.receive_all(s)).hexdigest()
            expect(digest == SOURCE_DIGEST, "all of it arrives as it was")
        s.close()


def a_slow_server_takes_no_memory(world):
    proxy = the("open", world)
    before = w.memory(proxy)
    with w.connect6(OPEN, SERVER, SLOW.port) as s:
        s.settimeout(0.5)
        sent = 0
        try:
            while sent < BIG:
                sent += s.send(bytes(65536))
        except socket.timeout:
            pass
        expect(sent < BIG, "somebody buffers without a limit")
        expect(w.memory(proxy) - before < 16 << 20, f"{(w.memory(proxy) - before) >> 20} MiB for a slow server")


# ---- how connections end ----

def a_half_closed_client_hears_the_rest(_):
    for connect in w.connect5, w.connect6:
        with connect(OPEN, SERVER, COUNTER.port) as s:
            s.sendall(b"x" * 1000003)
            s.shutdown(socket.SHUT_WR)
            expect(w.receive_all(s) == b"1000003 bytes\n" + bytes(1 << 20), "the answer comes after the end of the question")


def a_half_closed_server_hears_the_rest(_):
    for connect in w.connect5, w.connect6:
        HEARD.clear()
        with connect(OPEN, SERVER, LISTENER.port) as s:
            expect(w.receive_all(s) == b"I have said all\n", "what the server says")
            time.sleep(0.2)
            for _ in range(16):
                s.sendall(b"y" * 65536)
            s.shutdown(socket.SHUT_WR)
            w.eventually(lambda: HEARD == [1 << 20], f"the server hears the rest: {HEARD}")


def a_reset_is_passed_on_both_ways(world):
    proxy = the("open", world)
    base = descriptors_at_rest(proxy)
    for _ in range(50):
        with w.connect5(OPEN, SERVER, RESETTER.port) as s:
            s.sendall(b"x")
            try:
                expect(s.recv(1) == b"", "nothing")
            except ConnectionResetError:
                pass
    ENDED.clear()
    for _ in range(50):
        s = w.connect6(OPEN, SERVER, WATCHER.port)
        s.sendall(b"x")
        reset(s)
    w.eventually(lambda: len(ENDED) == 50, f"the server hears of it: {len(ENDED)} of 50")
    expect(all(isinstance(e, ConnectionResetError) for e in ENDED), f"as a reset: {set(map(repr, ENDED))}")
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back")


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def a_client_that_leaves_in_the_handshake(world):
    """After each of its bytes, by FIN and by RST."""
    proxy = the("open", world)
    base, spent = descriptors_at_rest(proxy), w.cpu(proxy)
    for whole in w.GREETING + w.request5(SERVER, ECHO.port) + b"data", w.request6(SERVER, ECHO.port) + b"data":
        for n in range(len(whole)):
            for leave in socket.socket.close, reset:
                s = w.dial(OPEN)
                s.sendall(whole[:n])
                leave(s)
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back", 15)
    expect(w.cpu(proxy) - spent < 1, f"{w.cpu(proxy) - spent} s for nothing")
    serves(OPEN)


def serves(port):
    with w.connect5(port, SERVER, ECHO.port) as s:
        s.sendall(b"still there")
        expect(w.receive(s, 11) == b"still there", "others are served")


def a_client_that_leaves_while_a_server_is_awaited(world):
    """BIND: the listening socket goes with it."""
    proxy = the("open", world)
    base = descriptors_at_rest(proxy)
    for _ in range(20):
        s = w.dial(OPEN)
        s.sendall(w.GREETING + w.request5(SERVER, 0, command=2))
        expect(w.receive(s, 2) == b"\5\0" and w.reply5(s)[0] == 0, "BIND listens")
        reset(s)
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back")


# ---- bursts ----

def bursts_of_half_open_connections(world):
    """Those who connect and say nothing, or half of it."""
    proxy = the("open", world)
    base, before = descriptors_at_rest(proxy), w.memory(proxy)
    for beginning in b"", b"\5", w.GREETING, b"\6\1\0\0":
        crowd = [w.dial(OPEN) for _ in range(500 // w.SCALE)]
        for s in crowd:
            s.sendall(beginning)
        serves(OPEN)
        for s in crowd:
            s.close()
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back")
    grown = w.memory(proxy) - before
    expect(grown < 16 << 20, f"{grown >> 20} MiB more than before")


def noise(world):
    """Random bytes, and right beginnings that go on at random."""
    proxy = the("open", world)
    base = descriptors_at_rest(proxy)
    for i in range(400 // w.SCALE):
        data = bytearray(os.urandom(1 + i % 300))
        if i % 4:
            data[:4] = (b"\5\1\0\5", b"\6\1\0\0", b"\6\0\0\x40")[i % 3]
        with w.dial(OPEN) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                s.settimeout(30)
                while s.recv(65536):
                    pass
            except ConnectionError:
                pass
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back", 30)
    serves(OPEN)


def no_descriptors_left(world):
    proxy = world.open_proxy("few", FEW, limit=64)
    base, before = descriptors_at_rest(proxy), w.memory(proxy)
    crowd = [w.dial(FEW) for _ in range(200)]
    for s in crowd:
        s.sendall(w.GREETING + w.request5(SERVER, ECHO.port))
    time.sleep(1)
    expect(w.descriptors(proxy) <= 64, "the limit holds")
    spent = w.cpu(proxy)
    time.sleep(1)
    expect(w.cpu(proxy) - spent < 0.3, f"{w.cpu(proxy) - spent} s of a second for nothing")
    expect(w.memory(proxy) - before < 16 << 20, "memory is bounded")
    served = [s for s in crowd if is_served(s)]
    expect(served, "those who came first are served")
    for s in crowd:
        s.close()
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back", 30)
    serves(FEW)
    w.eventually(lambda: w.descriptors(proxy) <= base, "and again")


def is_served(s):
    """One of the crowd."""
    s.settimeout(0.02)
    try:
        if w.receive(s, 2) != b"\5\0" or w.reply5(s)[0]:
            return False
        s.settimeout(5)
        s.sendall(b"x")
        return w.receive(s, 1) == b"x"
    except (OSError, EOFError):
        return False


def many_at_once_lose_nothing(world):
    """Connections of all lengths side by side, whose bytes all come back in order."""
    proxy = the("open", world)
    base, wrong = descriptors_at_rest(proxy), []

    def one(i):
        try:
            data = os.urandom(1 + (i * 7919) % 300000)
            with (w.connect5 if i % 2 else w.connect6)(OPEN, SERVER, ECHO.port) as s:
                s.settimeout(60)
                sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
                sender.start()
                if w.receive_all(s) != data:
                    wrong.append(i)
                sender.join()
        except (OSError, EOFError, w.Wrong) as e:
            wrong.append((i, repr(e)))
    for begin in range(0, 400 // w.SCALE, 40):
        threads = [threading.Thread(target=one, args=(i,)) for i in range(begin, begin + 40)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    expect(not wrong, f"{len(wrong)} are wrong: {wrong[:3]}")
    w.eventually(lambda: w.descriptors(proxy) <= base, "all descriptors come back")


def the_program_ends_when_it_is_told(world):
    """SIGTERM: a connection that has something to say may finish."""
    proxy = the("open", world)
    world.processes.remove(proxy)
    with w.connect5(OPEN, SERVER, ECHO.port) as s:
        s.sendall(b"before")
        w.receive(s, 6)
        proxy.terminate()
        time.sleep(0.3)
        s.sendall(b"after")
        expect(w.receive(s, 5) == b"after", "the connection goes on")
        expect(refuses(OPEN), "but nobody new is let in")
    try:
        expect(proxy.wait(15) == 0, f"it ends with {proxy.returncode}")
    finally:
        proxy.kill()
        proxy.wait()


def refuses(port):
    try:
        with w.dial(port, seconds=1) as s:
            s.sendall(w.GREETING)
            return s.recv(2) == b""
    except OSError:
        return True


def the(name, world):
    return next(p for p in world.processes if p.name == name)


# ---- servers ----

CHUNK = hashlib.sha512(b"chunk").digest() * 1024
SOURCE_DIGEST = hashlib.sha256(CHUNK * (BIG // len(CHUNK))).hexdigest()
HEARD, ENDED = [], []


def send_much(connection):
    for _ in range(BIG // len(CHUNK)):
        connection.sendall(CHUNK)
    connection.shutdown(socket.SHUT_WR)


def never_read(connection):
    while not connection.recv(1, socket.MSG_PEEK):
        return
    time.sleep(8)


def count(connection):
    n = len(w.receive_all(connection))
    connection.sendall(b"%d bytes\n" % n + bytes(1 << 20))


def listen_after_speaking(connection):
    connection.sendall(b"I have said all\n")
    connection.shutdown(socket.SHUT_WR)
    HEARD.append(len(w.receive_all(connection)))


def reset_at_once(connection):
    connection.recv(1)
    reset(connection)


def watch(connection):
    try:
        w.receive_all(connection)
        ENDED.append("in order")
    except OSError as e:
        ENDED.append(e)


def main():
    if sys.argv[1:2] == ["server"]:
        return role_server(sys.argv[2])
    if sys.argv[1:2] == ["client"]:
        return role_client(*sys.argv[2:5])
    w.need("ip", "prlimit")
    w.leave_network()
    raise_limit()
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as f:
        f.write("2048 60999")
    for name, talk in (("ECHO", w.echo), ("SOURCE", send_much), ("SLOW", never_read), ("COUNTER", count),
                       ("LISTENER", listen_after_speaking), ("RESETTER", reset_at_once), ("WATCHER", watch)):
        globals()[name] = w.Server(talk, SERVER)
    world = w.World()
    world.open_proxy("open", OPEN, limit=resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    tests = [a_half_closed_client_hears_the_rest, a_half_closed_server_hears_the_rest, a_reset_is_passed_on_both_ways,
             a_client_that_leaves_in_the_handshake, a_client_that_leaves_while_a_server_is_awaited,
             a_slow_reader_takes_no_memory, a_slow_server_takes_no_memory,
             bursts_of_half_open_connections, noise, many_at_once_lose_nothing, no_descriptors_left,
             thousands_of_idle_connections, the_program_ends_when_it_is_told]
    wanted = sys.argv[1:]
    w.run_tests(world, [t for t in tests if not wanted or any(name in t.__name__ for name in wanted)])
    return None


if __name__ == "__main__":
    main()
