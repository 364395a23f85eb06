#!/usr/bin/python3
"""A stand-in for the functions that a proxy hosts: passes connections on, does nothing to them.

    relay.py PLAN.json PROXY NODE=ADDRESS[,ADDRESS...]... [FUNCTION@PROXY=ADDRESS:PORT...]

Listens on the ports of PROXY's functions.  Each connection begins with a PROXY header,
version 1; the listener's address and port in it name the flow, the plan names the next
link.  The header is passed on; the last function strips it and connects to the
destination.  The ports of functions are read from the plan (the links of socks targets,
`next` of nginx targets) or given.  Nodes are given with their addresses, which the plan
does not hold."""
import asyncio
import json
import re
import sys

HEADER = re.compile(rb"PROXY TCP[46] (\S+) (\S+) (\d+) (\d+)\r\n")
LONGEST_HEADER = 107
PIECE = 65536


def fail(message):
    sys.exit(f"relay: {message}")


def socket_address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def ports_of(when):
    """The destination ports of a canonical filter, if it lists them singly."""
    match = re.search(r"l4\.dport (?:== (\d+)|in \{([\d, ]+)\})", when)
    if not match:
        fail(f"no single ports in {when!r}")
    return sorted(int(p) for p in re.findall(r"\d+", match.group(1) or match.group(2)))


class World:
    """The plan, and what it leaves out: addresses of nodes."""

    def __init__(self, plan, arguments):
        self.plan = plan
        self.nodes = {}
        self.links = {}  # (proxy, function): "ADDRESS:PORT"
        for argument in arguments:
            name, _, value = argument.partition("=")
            if "@" in name:
                function, _, proxy = name.partition("@")
                self.links[proxy, function] = value
            else:
                self.nodes[name] = value.split(",")
        for target in plan["targets"]:
            self.read_links(target)

    def hops(self, flow):
        return [(h["proxy"], h["function"]) for h in self.plan["flows"][flow]["bridge"]]

    def read_links(self, target):
        config = target["config"]
        for chain in config.get("chains", []):
            hops = self.hops(chain["flow"])
            for hop, link in zip(hops[len(hops) - len(chain["links"]):], chain["links"]):
                self.links[hop] = link.partition("://")[2]
        for listener in config.get("listeners", []):
            hops = self.hops(listener["flow"])
            here = [h for h in hops if h[0] == config["at"]]
            if hops:
                self.links[(here or hops)[0]] = listener["next"]

    def link(self, hop):
        if hop not in self.links:
            fail(f"the plan does not tell the port of {hop[1]} on {hop[0]}; give it as "
                 f"{hop[1]}@{hop[0]}=ADDRESS:PORT")
        return socket_address(self.links[hop])

    def listener(self, address, port):
        """The listeners of one nginx, and the one that this address and port name."""
        for target in self.plan["targets"]:
            config = target["config"]
            if target["backend"] != "nginx" or address not in self.nodes.get(config["at"], []):
                continue
            for row in config["listeners"]:
                if row["port"] == port:
                    return config["listeners"], row
        return None, None

    def destination(self, rows, row):
        """Ports were given out by address, then by destination port."""
        flow = self.plan["flows"][row["flow"]]
        ports = ports_of(flow["when"])
        own = sorted(r["port"] for r in rows if r["flow"] == row["flow"])
        index = own.index(row["port"])
        return self.nodes[flow["to"]][index // len(ports)], ports[index % len(ports)]

    def functions_on(self, proxy):
        return sorted({hop for flow in range(len(self.plan["flows"]))
                       for hop in self.hops(flow) if hop[0] == proxy})


async def pump(reader, writer):
    try:
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except ConnectionError:
        writer.close()


async def read_header(reader):
    line = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
    match = HEADER.fullmatch(line) if len(line) <= LONGEST_HEADER else None
    if not match:
        raise ValueError(f"no PROXY header but {line[:40]!r}")
    return line, match.group(1).decode(), match.group(2).decode(), int(match.group(4))


async def pass_on(world, hop, reader, writer):
    line, client, address, port = await read_header(reader)
    rows, row = world.listener(address, port)
    if not row or hop not in world.hops(row["flow"]):
        raise ValueError(f"{address}:{port} names no flow that passes {hop[1]}")
    flow = world.plan["flows"][row["flow"]]
    hops = world.hops(row["flow"])
    position = hops.index(hop) + 1
    is_last = position == len(hops)
    host, port = world.destination(rows, row) if is_last else world.link(hops[position])
    print(f"{flow['from']} => {flow['to']}: {position} {hop[1]} client {client} to {host}:{port}",
          flush=True)
    onward_reader, onward = await asyncio.wait_for(asyncio.open_connection(host, port), 5)
    try:
        if not is_last:
            onward.write(line)
        await asyncio.gather(pump(reader, onward), pump(onward_reader, writer))
    finally:
        onward.close()


def serve(world, hop):
    async def handle(reader, writer):
        try:
            await pass_on(world, hop, reader, writer)
        except (OSError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError) as error:
            print(f"refused at {hop[1]}: {error}", flush=True)
        finally:
            writer.close()
    return handle


async def run(world, proxy):
    functions = world.functions_on(proxy)
    if not functions:
        fail(f"no flow of the plan has a function on {proxy}")
    servers = []
    for hop in functions:
        host, port = world.link(hop)
        servers.append(await asyncio.start_server(serve(world, hop), host, port))
    print(f"ready: {', '.join(h[1] for h in functions)} on {proxy}", flush=True)
    await asyncio.gather(*(s.serve_forever() for s in servers))


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    print("stand-in: this relay takes the place of the hosted functions and only passes bytes on",
          flush=True)
    with open(sys.argv[1], encoding="utf-8") as file:
        world = World(json.load(file), sys.argv[3:])
    try:
        asyncio.run(run(world, sys.argv[2]))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
