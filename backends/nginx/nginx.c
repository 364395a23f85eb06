#include <config.h>

#include "backends/nginx/nginx.h"

#include <inttypes.h>
#include <string.h>

#include "backends/text.h"

struct writing {
	struct ctx *ctx;
	const struct plan *plan;
	const struct plan_nginx_config *config;
	struct output_file *file;
};

static struct sink *text(struct writing *w)
{
	return &w->file->text;
}

static const struct plan_flow *flow_of(const struct writing *w, const struct plan_listener *l)
{
	return &w->plan->flows.at[l->flow];
}

static bool has_tls(const struct writing *w)
{
	return w->config->certificate != NULL;
}

/* A quoted text, as nginx reads it.  It knows no way to write a `$`; the plan refused it. */
static void put_quoted(struct sink *s, const char *value)
{
	sink_putc(s, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			sink_putc(s, '\\');
		sink_putc(s, *value);
	}
	sink_putc(s, '"');
}

/* ---- what both modes begin with ---- */

/* Debian's own way to load the module, /etc/nginx/modules-enabled, names it relative to the
 * prefix and therefore fails below any other prefix. */
static const char load_stream[] =
    "# Mode stream is a module of its own (Debian: libnginx-mod-stream).\n"
    "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n\n";

/* All that nginx writes stays below its prefix, so that it runs as any user and beside
 * other instances. */
static const char head[] = "worker_processes auto;\n"
			   "worker_rlimit_nofile 8192;\n"
			   "pid nginx.pid;\n"
			   "error_log error.log warn;\n\n"
			   "events {\n"
			   "    worker_connections 4096;\n"
			   "}\n";

static void put_head(struct writing *w, const struct plan_target *t, bool stream)
{
	sink_printf(text(w), "# %s: target %s, runs on %s\n", output_place(w->ctx, t->span),
		    t->name, w->config->at);
	sink_puts(text(w),
		  "# Start it with this folder as its prefix: nginx -p FOLDER -c nginx.conf\n\n");
	if (stream)
		sink_puts(text(w), load_stream);
	sink_puts(text(w), head);
}

/* The access log names flows.  They are told apart by port, for nginx refuses connections
 * before a server block could set a variable. */
static void put_flow_names(struct writing *w)
{
	sink_puts(text(w), "    map $server_port $epic_flow {\n");
	for (size_t i = 0; i < w->config->listeners.n; i++) {
		const struct plan_listener *l = &w->config->listeners.at[i];
		const struct plan_flow *f = flow_of(w, l);

		sink_printf(text(w), "        %" PRId64 " \"%s => %s\";\n", l->port, f->from,
			    f->to);
	}
	sink_puts(text(w), "    }\n");
}

static void put_listen(struct writing *w, const struct plan_listener *l)
{
	for (size_t i = 0; i < w->config->addresses.n; i++)
		sink_printf(text(w), "        listen %s:%" PRId64 "%s so_keepalive=on;\n",
			    w->config->addresses.at[i], l->port, has_tls(w) ? " ssl" : "");
}

static void put_access(struct writing *w, const struct plan_listener *l)
{
	for (size_t i = 0; i < l->allow.n; i++)
		sink_printf(text(w), "        allow %s;\n", l->allow.at[i]);
	sink_puts(text(w), "        deny all;\n");
}

static void put_comment(struct writing *w, const struct plan_listener *l)
{
	const struct plan_flow *f = flow_of(w, l);

	sink_printf(text(w), "    # %s\n    # %s => %s, to %s\n", output_place(w->ctx, l->span),
		    f->from, f->to, l->destination);
}

static const char *reason_of(struct writing *w, const struct plan_listener *l)
{
	const struct plan_flow *f = flow_of(w, l);

	return arena_printf(w->ctx->arena, "Port %" PRId64 " carries %s => %s to %s%s.", l->port,
			    f->from, f->to, l->destination,
			    l->chained ? ", through the functions of its bridge" : "");
}

static void put_servers(struct writing *w,
			void (*put)(struct writing *, const struct plan_listener *))
{
	for (size_t i = 0; i < w->config->listeners.n; i++) {
		const struct plan_listener *l = &w->config->listeners.at[i];
		size_t first;

		sink_putc(text(w), '\n');
		first = output_line(w->file);
		put(w, l);
		output_note(w->ctx, w->file, first, l->span, reason_of(w, l));
	}
}

/* ---- stream ---- */

static void put_stream_server(struct writing *w, const struct plan_listener *l)
{
	put_comment(w, l);
	sink_puts(text(w), "    server {\n");
	put_listen(w, l);
	put_access(w, l);
	sink_printf(text(w), "        proxy_pass %s;\n", l->next);
	if (l->chained)
		sink_puts(
		    text(w),
		    "        # The functions know the flow by this listener's address and port.\n"
		    "        proxy_protocol on;\n");
	sink_puts(text(w), "    }\n");
}

/* Connections of a flow may rest for long; keep-alive probes find the dead ones. */
static const char stream_settings[] =
    "    log_format epic '$time_iso8601 \"$epic_flow\" $remote_addr $server_addr:$server_port '\n"
    "                    '$upstream_addr $status $bytes_received $bytes_sent $session_time';\n"
    "    access_log access.log epic;\n"
    "    proxy_connect_timeout 5s;\n"
    "    proxy_timeout 1h;\n"
    "    proxy_socket_keepalive on;\n"
    "    tcp_nodelay on;\n";

static void put_stream(struct writing *w)
{
	sink_puts(text(w), "\nstream {\n");
	put_flow_names(w);
	sink_puts(text(w), stream_settings);
	put_servers(w, put_stream_server);
	sink_puts(text(w), "}\n");
}

/* ---- http ---- */

static const char *path_of(const char *file)
{
	static const char scheme[] = "file:";

	return strncmp(file, scheme, strlen(scheme)) ? file : file + strlen(scheme);
}

static void put_certificate(struct writing *w)
{
	sink_puts(text(w), "    ssl_certificate ");
	put_quoted(text(w), path_of(w->config->certificate));
	sink_puts(text(w), ";\n    ssl_certificate_key ");
	put_quoted(text(w), path_of(w->config->certificate_key));
	sink_puts(text(w), ";\n    ssl_protocols TLSv1.2 TLSv1.3;\n");
}

/* What came in under TLS goes on under TLS.  The policy knows servers by their addresses
 * and names no authority for them, so their certificates cannot be judged. */
static const char tls_onwards[] =
    "    # The server is asked for by the name that the client used.  Its certificate is\n"
    "    # not verified: the policy knows it by its address only.\n"
    "    proxy_ssl_server_name on;\n"
    "    proxy_ssl_name $host;\n"
    "    proxy_ssl_verify off;\n";

/* Bodies pass through without resting in files: they may be long, and the workers may be
 * another user than the owner of the prefix. */
static const char http_settings[] =
    "    log_format epic '$time_iso8601 \"$epic_flow\" $remote_addr $server_addr:$server_port '\n"
    "                    '$upstream_addr $status $request_length $bytes_sent $request_time';\n"
    "    access_log access.log epic;\n"
    "    client_body_temp_path client_temp;\n"
    "    proxy_temp_path proxy_temp;\n"
    "    fastcgi_temp_path fastcgi_temp;\n"
    "    uwsgi_temp_path uwsgi_temp;\n"
    "    scgi_temp_path scgi_temp;\n"
    "    server_tokens off;\n"
    "    tcp_nodelay on;\n"
    "    client_max_body_size 0;\n"
    "    proxy_request_buffering off;\n"
    "    proxy_max_temp_file_size 0;\n"
    "    proxy_connect_timeout 5s;\n"
    "    proxy_read_timeout 10m;\n"
    "    proxy_send_timeout 10m;\n"
    "    proxy_socket_keepalive on;\n"
    "    proxy_http_version 1.1;\n"
    "    proxy_set_header Host $http_host;\n"
    "    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
    "    proxy_set_header X-Forwarded-Proto $scheme;\n"
    "    proxy_set_header Upgrade $http_upgrade;\n"
    "    proxy_set_header Connection $epic_connection;\n";

/* Without an upgrade the header is left out, which keeps connections to the server open. */
static const char connection_map[] = "    map $http_upgrade $epic_connection {\n"
				     "        default upgrade;\n"
				     "        '' '';\n"
				     "    }\n";

static void put_http_server(struct writing *w, const struct plan_listener *l)
{
	put_comment(w, l);
	sink_printf(text(w),
		    "    upstream epic_%" PRId64
		    " {\n        server %s;\n        keepalive 16;\n    }\n",
		    l->port, l->next);
	sink_puts(text(w), "    server {\n");
	put_listen(w, l);
	put_access(w, l);
	sink_printf(text(w),
		    "        location / {\n            proxy_pass %s://epic_%" PRId64
		    ";\n        }\n    }\n",
		    has_tls(w) ? "https" : "http", l->port);
}

static void put_http(struct writing *w)
{
	sink_puts(text(w), "\nhttp {\n");
	put_flow_names(w);
	sink_puts(text(w), connection_map);
	sink_puts(text(w), http_settings);
	if (has_tls(w)) {
		put_certificate(w);
		sink_puts(text(w), tls_onwards);
	}
	put_servers(w, put_http_server);
	sink_puts(text(w), "}\n");
}

/* ---- the file ---- */

static void emit(struct ctx *ctx, const struct plan *plan, const struct plan_target *t,
		 struct output_files *files)
{
	struct writing w = { ctx, plan, t->config,
			     output_begin(ctx, files, plan, t, "nginx.conf") };
	bool stream = !strcmp(w.config->mode, "stream");

	put_head(&w, t, stream);
	output_note(ctx, w.file, 1, t->span, "The target says what runs where.");
	if (stream)
		put_stream(&w);
	else
		put_http(&w);
}

const struct backend backend_nginx = { .name = "nginx",
				       .summary = "a reverse proxy",
				       .emit = emit };
