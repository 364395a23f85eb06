#!/usr/bin/python3
"""HTTPS on each of several addresses, for tests and the demo.

    https_server.py CERTIFICATE KEY PORT ADDRESS...

GET tells which address answers, and the Host header and client that it sees; POST tells the
SHA-256 of the body.  A request with "Upgrade: echo" gets 101 and its bytes back."""
import hashlib
import http.server
import socketserver
import ssl
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def echo(self):
        self.send_response(101)
        self.send_header("Upgrade", "echo")
        self.send_header("Connection", "upgrade")
        self.end_headers()
        self.close_connection = True
        while data := self.connection.recv(4096):
            self.connection.sendall(data)

    def do_GET(self):
        if self.headers.get("Upgrade") == "echo":
            self.echo()
            return
        self.answer(f"server {self.server.server_address[0]} host {self.headers.get('Host')} "
                    f"client {self.client_address[0]}\n")

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_POST(self):
        self.answer(hashlib.sha256(self.read_body()).hexdigest() + "\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, context):
        super().__init__(address, Handler)
        self.context = context

    def server_bind(self):
        """Without asking the resolver for this host's name, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def finish_request(self, request, client_address):
        """The handshake belongs to the connection's own thread."""
        with self.context.wrap_socket(request, server_side=True) as secure:
            self.RequestHandlerClass(secure, client_address, self)

    def handle_error(self, request, client_address):
        print(f"{client_address[0]}: {sys.exc_info()[1]}", flush=True)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    servers = [Server((a, int(sys.argv[3])), context) for a in sys.argv[4:]]
    threads = [threading.Thread(target=s.serve_forever, daemon=True) for s in servers]
    for thread in threads:
        thread.start()
    print(f"ready: {' '.join(sys.argv[4:])}", flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
