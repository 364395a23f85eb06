#include <config.h>

#include "backends/nginx/nginx.h"

#include <string.h>

#include "backends/text.h"

struct writing {
	struct ctx *ctx;
	const struct plan *plan;
	const struct plan_nginx_config *config;
	struct output_file *file;
};

/* Everything that nginx writes stays below its prefix (nginx -p DIR), so it runs as
 * any user.  The stream module is a file of its own on Debian. */
static void put_head(struct writing *w, bool stream)
{
	struct sink *s = &w->file->text;

	sink_puts(s, "# Start it in this folder: nginx -p . -c nginx.conf\n\n");
	if (stream)
		sink_puts(s, "include /etc/nginx/modules-enabled/*.conf;\n");
	sink_puts(s, "worker_processes auto;\n"
		     "pid nginx.pid;\n"
		     "error_log error.log warn;\n\n"
		     "events {\n"
		     "    worker_connections 1024;\n"
		     "}\n\n");
}

static void put_listen(struct writing *w, const struct plan_listener *l, bool tls)
{
	for (size_t i = 0; i < w->config->addresses.n; i++)
		sink_printf(&w->file->text, "        listen %s:%lld%s;\n", w->config->addresses.at[i],
			    (long long)l->port, tls ? " ssl" : "");
}

static void put_access(struct writing *w, const struct plan_listener *l)
{
	for (size_t i = 0; i < l->allow.n; i++)
		sink_printf(&w->file->text, "        allow %s;\n", l->allow.at[i]);
	sink_puts(&w->file->text, "        deny all;\n");
}

static void put_comment(struct writing *w, const struct plan_listener *l)
{
	const struct plan_flow *f = &w->plan->flows.at[l->flow];

	sink_printf(&w->file->text, "    # %s: %s => %s, to %s\n", output_place(w->ctx, l->span), f->from,
		    f->to, l->destination);
}

static const char *reason_of(struct writing *w, const struct plan_listener *l)
{
	const struct plan_flow *f = &w->plan->flows.at[l->flow];

	return arena_printf(w->ctx->arena, "port %lld carries %s => %s to %s", (long long)l->port, f->from,
			    f->to, l->destination);
}

static void put_stream_server(struct writing *w, const struct plan_listener *l)
{
	struct sink *s = &w->file->text;

	put_comment(w, l);
	sink_puts(s, "    server {\n");
	put_listen(w, l, false);
	put_access(w, l);
	/* The header's listener address and port tell the functions which flow this is. */
	if (l->chained)
		sink_puts(s, "        proxy_protocol on;\n");
	sink_printf(s, "        proxy_pass %s;\n    }\n", l->next);
}

static void put_stream(struct writing *w)
{
	struct sink *s = &w->file->text;

	sink_puts(s, "stream {\n"
		     "    log_format epic '$time_iso8601 $remote_addr $server_addr:$server_port '\n"
		     "                    '$upstream_addr $status $bytes_received $bytes_sent';\n"
		     "    access_log access.log epic;\n"
		     "    proxy_connect_timeout 5s;\n"
		     "    proxy_timeout 10m;\n"
		     "    tcp_nodelay on;\n");
	for (size_t i = 0; i < w->config->listeners.n; i++) {
		const struct plan_listener *l = &w->config->listeners.at[i];
		size_t first;

		sink_putc(s, '\n');
		first = output_line(w->file);
		put_stream_server(w, l);
		output_note(w->ctx, w->file, first, l->span, reason_of(w, l));
	}
	sink_puts(s, "}\n");
}

/* "file:PATH" without its scheme. */
static const char *path_of(const char *file)
{
	return file + strlen("file:");
}

/* What came in under TLS goes on under TLS. */
static void put_location(struct writing *w, const struct plan_listener *l, bool tls)
{
	struct sink *s = &w->file->text;

	sink_puts(s, "        location / {\n");
	sink_printf(s, "            proxy_pass %s://%s;\n", tls ? "https" : "http", l->next);
	sink_puts(s, "            proxy_http_version 1.1;\n"
		     "            proxy_set_header Host $http_host;\n"
		     "            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
		     "            proxy_set_header Upgrade $http_upgrade;\n"
		     "            proxy_set_header Connection $connection_upgrade;\n");
	if (tls)
		sink_puts(s, "            proxy_ssl_server_name on;\n");
	sink_puts(s, "        }\n");
}

static void put_http_server(struct writing *w, const struct plan_listener *l)
{
	bool tls = w->config->certificate != NULL;
	struct sink *s = &w->file->text;

	put_comment(w, l);
	sink_puts(s, "    server {\n");
	put_listen(w, l, tls);
	if (tls)
		sink_printf(s, "        ssl_certificate %s;\n        ssl_certificate_key %s;\n",
			    path_of(w->config->certificate), path_of(w->config->certificate_key));
	put_access(w, l);
	put_location(w, l, tls);
	sink_puts(s, "    }\n");
}

static void put_http(struct writing *w)
{
	struct sink *s = &w->file->text;

	sink_puts(s, "http {\n"
		     "    access_log access.log combined;\n"
		     "    client_body_temp_path client_temp;\n"
		     "    proxy_temp_path proxy_temp;\n"
		     "    fastcgi_temp_path fastcgi_temp;\n"
		     "    uwsgi_temp_path uwsgi_temp;\n"
		     "    scgi_temp_path scgi_temp;\n"
		     "    proxy_connect_timeout 5s;\n"
		     "    client_max_body_size 0;\n"
		     "    server_tokens off;\n"
		     "    map $http_upgrade $connection_upgrade {\n"
		     "        default upgrade;\n"
		     "        '' '';\n"
		     "    }\n");
	for (size_t i = 0; i < w->config->listeners.n; i++) {
		const struct plan_listener *l = &w->config->listeners.at[i];
		size_t first;

		sink_putc(s, '\n');
		first = output_line(w->file);
		put_http_server(w, l);
		output_note(w->ctx, w->file, first, l->span, reason_of(w, l));
	}
	sink_puts(s, "}\n");
}

static void emit(struct ctx *ctx, const struct plan *plan, const struct plan_target *t,
		 struct output_files *files)
{
	struct writing w = { ctx, plan, t->config, output_begin(ctx, files, plan, t, "nginx.conf") };
	bool stream = !strcmp(w.config->mode, "stream");

	sink_printf(&w.file->text, "# %s: runs on %s\n", output_place(ctx, t->span), w.config->at);
	put_head(&w, stream);
	output_note(ctx, w.file, 1, t->span, "the target");
	if (stream)
		put_stream(&w);
	else
		put_http(&w);
}

const struct backend backend_nginx = { .name = "nginx", .summary = "a reverse proxy", .emit = emit };
