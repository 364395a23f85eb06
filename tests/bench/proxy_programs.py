"""The server, the proxies and redirectors that are compared, and how they are configured."""
import os
import shutil
from collections import namedtuple

# Ports of the server: the first is met directly, the others by redirection.
PLAIN = 80
REDSOCKS_DANTE, REDSOCKS_MICROSOCKS, OURS_5, OURS_A, OURS_FAST_OPEN, OURS_WARM = range(81, 87)
SERVED = range(PLAIN, OURS_WARM + 1)
# Ports of the proxy, and of redirectors beside the client.
NGINX_HTTP, NGINX_STREAM, NGINX_CACHE, DANTE, MICROSOCKS, SOCKSD, SOCKSD_FAST_OPEN, SOCKSD_WARM = range(8001, 8009)
REDIRECTORS = 12000
WARM = 64
# Each a page of the server.
SMALL, BULK, OBJECT = "/small", "/bulk", "/object"
SIZES = {SMALL: 612, BULK: 1 << 29, OBJECT: 1024 * 1000}

# The published configuration, with the server's address as it is here; and a stream beside it.
NGINX = """worker_processes {workers}; pid {folder}/{name}.pid; daemon off; error_log {folder}/{name}.err crit;
user root; worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
{body}
"""
PUBLISHED = """http {{
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
log_format upstream_time '$remote_addr - [$time_local] "$request" $status $body_bytes_sent "$http_user_agent" rt=$request_time';
server {{
    access_log /dev/stdout upstream_time;
    listen {listen}:{port};
    location / {{
        proxy_redirect              off;
        proxy_set_header            Host                $host;
        proxy_set_header            X-Real-IP           $remote_addr;
        proxy_set_header            X-Forwarded-For     $proxy_add_x_forwarded_for;
        proxy_set_header            Connection          "Close";
        client_max_body_size        10m;
        client_body_buffer_size     128k;
        proxy_connect_timeout       90;
        proxy_send_timeout          90;
        proxy_read_timeout          90;
        proxy_buffers               32 4k;
        proxy_pass http://{server}:{plain};
    }}
}} }}"""
STREAM = "stream {{ server {{ listen {listen}:{port}; proxy_pass {server}:{plain}; proxy_timeout 1h; }} }}"
CACHE = """http {{
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
proxy_cache_path {folder}/cache-{name} keys_zone={name}:1m max_size=260m use_temp_path=off;
server {{ access_log off; listen {listen}:{port}; location / {{
    proxy_cache {name}; proxy_cache_valid 200 1h; proxy_cache_lock on; sendfile on; proxy_pass http://{server}:{plain}; }} }} }}"""
SERVER = """http {{
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 1h; client_header_timeout 1h;
open_file_cache max=16;
server {{ {listens} root {folder}/www; default_type text/html; }} }}"""
DANTED = """logoutput: /dev/null
internal: {listen} port = {port}
external: {listen}
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""
REDSOCKS_BASE = "base { log_info = off; log_debug = off; daemon = off; redirector = iptables; rlimit_nofile = 20000; }\n"
REDSOCKS = "redsocks {{ local_ip = 0.0.0.0; local_port = {port}; ip = {ip}; port = {to}; type = socks5; }}\n"

# What the client does: FORM of proxy_client at THROUGH (a port of the proxy; None: of the server itself) for the
# server's port TARGET.  COST: how many round trips CP, PS and CS make one request.  PROGRAMS: whose CPU counts.
Scheme = namedtuple("Scheme", "name ours cost form through target programs")

SCHEMES = [
    Scheme("direct", False, (0, 0, 2), "direct", None, PLAIN, ()),
    Scheme("nginx, published", False, (2, 2, 0), "direct", NGINX_HTTP, PLAIN, ("nginx",)),
    Scheme("nginx, stream", False, (2, 2, 0), "direct", NGINX_STREAM, PLAIN, ("nginx stream",)),
    Scheme("dante, step by step", False, (4, 2, 0), "socks5-steps", DANTE, PLAIN, ("danted",)),
    Scheme("dante, one segment", False, (2, 2, 0), "socks5-one", DANTE, PLAIN, ("danted",)),
    Scheme("microsocks, step by step", False, (4, 2, 0), "socks5-steps", MICROSOCKS, PLAIN, ("microsocks",)),
    Scheme("redsocks + dante", False, (4, 2, 0), "direct", None, REDSOCKS_DANTE, ("redsocks", "danted")),
    Scheme("redsocks + microsocks", False, (4, 2, 0), "direct", None, REDSOCKS_MICROSOCKS, ("redsocks", "microsocks")),
    Scheme("ours, SOCKS5 step by step", True, (4, 2, 0), "socks5-steps", SOCKSD, PLAIN, ("socksd",)),
    Scheme("ours, SOCKS6 step by step", True, (3, 2, 0), "socks6-steps", SOCKSD, PLAIN, ("socksd",)),
    Scheme("ours, SOCKS5 in one segment", True, (2, 2, 0), "socks5-one", SOCKSD, PLAIN, ("socksd",)),
    Scheme("ours, SOCKS6 in one segment", True, (2, 2, 0), "socks6-one", SOCKSD, PLAIN, ("socksd",)),
    Scheme("ours, redirector + SOCKS5", True, (2, 2, 0), "direct", None, OURS_5, ("redirect 5", "socksd")),
    Scheme("ours, redirector + SOCKS6 (A)", True, (2, 2, 0), "direct", None, OURS_A, ("redirect 6", "socksd")),
    Scheme("ours, fast open (B)", True, (1, 1, 0), "direct", None, OURS_FAST_OPEN, ("redirect tfo", "socksd tfo")),
    Scheme("ours, warm (B)", True, (1, 1, 0), "direct", None, OURS_WARM, ("redirect warm", "socksd warm")),
]
BY_NAME = {s.name: s for s in SCHEMES}


class Programs:
    """Everything of SCHEMES, running in one world; what is not installed is missing, with the reason."""

    def __init__(self, world, socksd):
        self.world, self.socksd = world, socksd
        self.running, self.missing, self.catches, self.redirects = {}, {}, [], False
        self.start_server()
        self.start_nginx("nginx", PUBLISHED, NGINX_HTTP)
        self.start_nginx("nginx stream", STREAM, NGINX_STREAM)
        self.start_socks_servers()
        self.start_ours()
        self.start_redirectors()

    def has(self, program, *names):
        if shutil.which(program) or os.access(program, os.X_OK):
            return True
        self.missing.update({name: f"{os.path.basename(program)} is not here" for name in names})
        return False

    def schemes(self):
        return [s for s in SCHEMES if not any(p in self.missing for p in s.programs)]

    def through(self, scheme):
        w = self.world
        return f"{w.proxy.address}:{scheme.through}" if scheme.through else self.target(scheme)

    def target(self, scheme):
        return f"{self.world.server.address}:{scheme.target}"

    def prepare(self, scheme):
        """Redirection only where it is needed: its rules cost time on other connections too."""
        wanted = scheme.target != PLAIN
        if wanted and not self.redirects:
            self.world.redirect(self.catches)
        elif self.redirects and not wanted:
            self.world.unredirect()
        self.redirects = wanted

    def ask(self, scheme, *arguments):
        self.prepare(scheme)
        return self.world.ask(self.target(scheme), [self.through(scheme)], "--form", scheme.form, *arguments)

    def of(self, scheme):
        return [self.running[p] for p in scheme.programs]

    # ---- starting ----

    def nginx(self, host, name, body, port, workers=1, **more):
        w, file = self.world, name.replace(" ", "-")
        body = body.format(folder=w.folder, name=file, listen=host.address, port=port, server=w.server.address, plain=PLAIN, **more)
        conf = w.write(file + ".conf", NGINX.format(folder=w.folder, name=file, workers=workers, body=body))
        if "stream {" in body:
            with open(conf, "r+", encoding="utf-8") as f:
                text = f.read()
                f.seek(0)
                f.write("load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n" + text)
        return w.start(host, name, ["nginx", "-p", w.folder, "-e", f"{w.folder}/{file}.err", "-c", conf], port)

    def start_server(self):
        w = self.world
        os.makedirs(f"{w.folder}/www", exist_ok=True)
        for path, size in SIZES.items():
            with open(f"{w.folder}/www{path}", "wb") as f:
                for at in range(0, size, 1 << 20):
                    f.write(b"x" * min(1 << 20, size - at))
        listens = " ".join(f"listen {w.server.address}:{p} fastopen=1024 backlog=4096;" for p in SERVED)
        self.running["server"] = self.nginx(w.server, "server", SERVER, PLAIN, listens=listens)

    def start_nginx(self, name, body, port):
        if name == "nginx stream" and not os.path.exists("/usr/lib/nginx/modules/ngx_stream_module.so"):
            self.missing[name] = "nginx has no stream module"
            return
        self.running[name] = self.nginx(self.world.proxy, name, body, port)

    def start_socks_servers(self):
        w, p = self.world, self.world.proxy
        if self.has("danted", "danted"):
            conf = w.write("danted.conf", DANTED.format(listen=p.address, port=DANTE))
            self.running["danted"] = w.start(p, "danted", ["danted", "-f", conf, "-p", w.path("danted.pid")], DANTE)
        if self.has("microsocks", "microsocks"):
            words = ["microsocks", "-i", p.address, "-p", str(MICROSOCKS)]
            self.running["microsocks"] = w.start(p, "microsocks", words, MICROSOCKS)

    def open_words(self, port, *more):
        w = self.world
        return [self.socksd, "open", "--listen", f"{w.proxy.address}:{port}", "--allow", f"{w.server.address}/32",
                "--version", "both", "--threads", "1", "--control", "none", "--quiet", *more]

    def start_ours(self):
        names = ("socksd", "socksd tfo", "socksd warm", "redirect 5", "redirect 6", "redirect tfo", "redirect warm")
        if not self.has(self.socksd, *names):
            return
        for name, port, more in (("socksd", SOCKSD, ()), ("socksd tfo", SOCKSD_FAST_OPEN, ("--fast-open",)),
                                 ("socksd warm", SOCKSD_WARM, ("--warm", str(WARM)))):
            self.running[name] = self.world.start(self.world.proxy, name, self.open_words(port, *more), port)

    def start_redirectors(self):
        w = self.world
        if not self.has("nft", "redsocks", "redirect 5", "redirect 6", "redirect tfo", "redirect warm"):
            return
        if self.has("redsocks", "redsocks"):
            text = REDSOCKS_BASE
            for target, to in (REDSOCKS_DANTE, DANTE), (REDSOCKS_MICROSOCKS, MICROSOCKS):
                text += REDSOCKS.format(port=REDIRECTORS + target, ip=w.proxy.address, to=to)
                self.catches.append((target, REDIRECTORS + target))
            words = ["redsocks", "-c", w.write("redsocks.conf", text)]
            self.running["redsocks"] = w.start(w.client, "redsocks", words, REDIRECTORS + REDSOCKS_DANTE)
        if "socksd" in self.running:
            self.start_our_redirectors()

    def start_our_redirectors(self):
        w = self.world
        for name, target, version, to, more in (("redirect 5", OURS_5, 5, SOCKSD, ()), ("redirect 6", OURS_A, 6, SOCKSD, ()),
                                                ("redirect tfo", OURS_FAST_OPEN, 6, SOCKSD_FAST_OPEN, ("--fast-open",)),
                                                ("redirect warm", OURS_WARM, 6, SOCKSD_WARM, ("--warm", str(WARM)))):
            port = REDIRECTORS + target
            words = [self.socksd, "redirect", "--port", str(port), "--proxy", f"socks{version}://{w.proxy.address}:{to}",
                     "--catch", f"{w.server.address}/32:{target}", "--threads", "1", "--control", "none", "--quiet", *more,
                     "--run"]
            self.running[name] = w.start(w.client, name, words, port)
            self.catches.append((target, port))
