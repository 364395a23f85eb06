/* nginx.conf against the listeners of its target. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tools/nginx_read.h"
#include "compiler/tools/verify.h"

struct expected {
	const char **at; /* directives as texts */
	size_t n, cap;
};

/* ---- directives as texts ---- */

static bool is_named(const struct nginx_directive *d, const char *name)
{
	return !strcmp(nginx_word(d, 0), name);
}

static const char *first_word(struct verifying *v, const char *text)
{
	return arena_strndup(v->arena, text, strcspn(text, " "));
}

/* The first of WANTED that was not met and begins as D does. */
static size_t like(struct verifying *v, const struct expected *wanted, const bool *met,
		   const struct nginx_directive *d)
{
	size_t i = 0;

	while (i < wanted->n && (met[i] || strcmp(first_word(v, wanted->at[i]), nginx_word(d, 0))))
		i++;
	return i;
}

static bool meet(struct verifying *v, const struct expected *wanted, bool *met,
		 const struct nginx_directive *d)
{
	const char *text = nginx_text(v->arena, d);

	for (size_t i = 0; i < wanted->n; i++)
		if (!met[i] && !strcmp(wanted->at[i], text))
			return met[i] = true;
	return false;
}

static void report_odd(struct verifying *v, const char *row, const struct nginx_directive *d,
		       const struct expected *wanted, bool *met)
{
	size_t i = like(v, wanted, met, d);

	if (i < wanted->n) {
		met[i] = true;
		verify_find(v, d->line, row, "says '%s', and the plan '%s'",
			    nginx_text(v->arena, d), wanted->at[i]);
	} else {
		verify_find(v, d->line, row, "says '%s', which does not follow from the plan",
			    nginx_text(v->arena, d));
	}
}

/* The simple directives of a block are those that are WANTED, no more and no less; blocks in it
 * that are wanted are named by their head. */
static void compare(struct verifying *v, const char *row, const struct nginx_directive *block,
		    const struct expected *wanted, bool (*skipped)(const struct nginx_directive *))
{
	bool *met = arena_many(v->arena, bool, wanted->n);
	bool *fits = arena_many(v->arena, bool, block->n);

	for (size_t i = 0; i < block->n; i++)
		fits[i] =
		    (skipped && skipped(&block->at[i])) || meet(v, wanted, met, &block->at[i]);
	for (size_t i = 0; i < block->n; i++)
		if (!fits[i])
			report_odd(v, row, &block->at[i], wanted, met);
	for (size_t i = 0; i < wanted->n; i++)
		if (!met[i])
			verify_find(v, block->line, row, "this block lacks '%s'", wanted->at[i]);
}

/* ---- servers ---- */

static void want(struct verifying *v, struct expected *e, const char *text)
{
	vec_push(v->arena, e, text);
}

static bool has_tls(const struct rplan_nginx_config *c)
{
	return c->certificate != NULL;
}

static void want_access(struct verifying *v, const struct rplan_nginx_config *c,
			const struct rplan_listener *l, struct expected *e)
{
	for (size_t i = 0; i < c->addresses.n; i++)
		want(v, e,
		     arena_printf(v->arena, "listen %s:%" PRId64 "%s so_keepalive=on",
				  c->addresses.at[i], l->port, has_tls(c) ? " ssl" : ""));
	for (size_t i = 0; i < l->allow.n; i++)
		want(v, e, arena_printf(v->arena, "allow %s", l->allow.at[i]));
	want(v, e, "deny all");
}

/* nginx takes the first rule that fits. */
static void check_order(struct verifying *v, const char *row, const struct nginx_directive *server)
{
	bool denied = false;

	for (size_t i = 0; i < server->n; i++) {
		if (denied && is_named(&server->at[i], "allow"))
			verify_find(v, server->at[i].line, row,
				    "'%s' stands behind 'deny all' and has no effect",
				    nginx_text(v->arena, &server->at[i]));
		denied = denied || !strcmp(nginx_text(v->arena, &server->at[i]), "deny all");
	}
}

static bool is_location(const struct nginx_directive *d)
{
	return is_named(d, "location");
}

static const struct nginx_directive *upstream_named(const struct nginx_directive *http,
						    const char *name)
{
	for (size_t i = 0; i < http->n; i++)
		if (is_named(&http->at[i], "upstream") &&
		    !strcmp(nginx_word(&http->at[i], 1), name))
			return &http->at[i];
	return NULL;
}

static void check_upstream(struct verifying *v, const char *row, const struct rplan_listener *l,
			   const struct nginx_directive *http, const struct nginx_directive *pass)
{
	const char *url = nginx_word(pass, 1), *host = strstr(url, "://");
	const struct nginx_directive *up = host ? upstream_named(http, host + 3) : NULL;
	struct expected e = { 0 };
	const char *scheme = has_tls(rplan_target_nginx(v->target)) ? "https" : "http";

	if (!host || strncmp(url, scheme, strlen(scheme)) || url[strlen(scheme)] != ':')
		verify_find(v, pass->line, row, "passes connections on to %s, which is not by %s",
			    url, scheme);
	if (!up) {
		verify_find(v, pass->line, row, "passes connections on to %s, and the plan to %s",
			    url, l->next);
		return;
	}
	want(v, &e, arena_printf(v->arena, "server %s", l->next));
	want(v, &e, "keepalive 16");
	compare(v, row, up, &e, NULL);
}

static bool is_pass(const struct nginx_directive *d)
{
	return is_named(d, "proxy_pass") && d->n_words == 2;
}

static void check_location(struct verifying *v, const char *row, const struct rplan_listener *l,
			   const struct nginx_directive *http, const struct nginx_directive *server)
{
	struct expected none = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < server->n; i++) {
		const struct nginx_directive *d = &server->at[i];
		size_t n_passes = 0;

		if (!is_location(d))
			continue;
		if (n++ || strcmp(nginx_text(v->arena, d), "location /")) {
			verify_find(v, d->line, row,
				    "says '%s', which does not follow from the plan",
				    nginx_text(v->arena, d));
			continue;
		}
		compare(v, row, d, &none, is_pass);
		for (size_t k = 0; k < d->n; k++)
			if (is_pass(&d->at[k]) && !n_passes++)
				check_upstream(v, row, l, http, &d->at[k]);
		if (n_passes != 1)
			verify_find(v, d->line, row,
				    "this block passes connections on to %zu places, not to one",
				    n_passes);
	}
	if (!n)
		verify_find(v, server->line, row, "this block lacks 'location /'");
}

static const char *listener_row(struct verifying *v, const struct rplan_listener *l)
{
	const struct rplan_flow *f = &v->plan->flows.at[l->flow];

	return verify_row(v, "config.listeners[%" PRId64 "], for %s => %s", l->port, f->from,
			  f->to);
}

static void check_server(struct verifying *v, const struct rplan_listener *l,
			 const struct nginx_directive *block, const struct nginx_directive *server)
{
	const struct rplan_nginx_config *c = rplan_target_nginx(v->target);
	const char *row = listener_row(v, l);
	struct expected e = { 0 };

	want_access(v, c, l, &e);
	if (!strcmp(c->mode, "stream")) {
		want(v, &e, arena_printf(v->arena, "proxy_pass %s", l->next));
		if (strcmp(l->next, l->destination))
			want(v, &e, "proxy_protocol on");
		compare(v, row, server, &e, NULL);
	} else {
		compare(v, row, server, &e, is_location);
		check_location(v, row, l, block, server);
	}
	check_order(v, row, server);
}

/* ---- which server is which listener's ---- */

static bool listens_on(const struct nginx_directive *server, int64_t port)
{
	for (size_t i = 0; i < server->n; i++) {
		const char *colon = strrchr(nginx_word(&server->at[i], 1), ':');

		if (is_named(&server->at[i], "listen") && colon &&
		    strtoll(colon + 1, NULL, 10) == port)
			return true;
	}
	return false;
}

struct servers {
	const struct nginx_directive **at;
	size_t n, cap;
};

static const struct nginx_directive *take(struct servers *s, size_t i)
{
	const struct nginx_directive *server = s->at[i];

	for (; i + 1 < s->n; i++)
		s->at[i] = s->at[i + 1];
	s->n--;
	return server;
}

static const struct nginx_directive *server_of(struct servers *s, int64_t port)
{
	for (size_t i = 0; i < s->n; i++)
		if (listens_on(s->at[i], port))
			return take(s, i);
	return NULL;
}

/* By their ports; a server whose port is no listener's stands for the next listener that has
 * none. */
static void check_servers(struct verifying *v, const struct nginx_directive *block)
{
	const struct rplan_nginx_config *c = rplan_target_nginx(v->target);
	const struct nginx_directive **found =
	    arena_many(v->arena, const struct nginx_directive *, c->listeners.n);
	struct servers rest = { 0 };

	for (size_t i = 0; i < block->n; i++)
		if (is_named(&block->at[i], "server"))
			vec_push(v->arena, &rest, &block->at[i]);
	for (size_t i = 0; i < c->listeners.n; i++)
		found[i] = server_of(&rest, c->listeners.at[i].port);
	for (size_t i = 0; i < c->listeners.n; i++) {
		if (!found[i] && rest.n)
			found[i] = take(&rest, 0);
		if (found[i])
			check_server(v, &c->listeners.at[i], block, found[i]);
		else
			verify_find(v, block->line, listener_row(v, &c->listeners.at[i]),
				    "no server listens on port %" PRId64, c->listeners.at[i].port);
	}
	for (size_t i = 0; i < rest.n; i++)
		verify_find(v, rest.at[i]->line, verify_row(v, "config.listeners"),
			    "this server is no listener's");
}

/* ---- settings ---- */

static bool is_about_flows(const struct nginx_directive *d)
{
	return is_named(d, "server") || is_named(d, "upstream");
}

static const char *settings_row(struct verifying *v, const struct nginx_directive *block)
{
	if (is_named(block, "map") && !strcmp(nginx_word(block, 1), "$server_port"))
		return verify_row(v, "config.listeners");
	return verify_row(v, "config");
}

static const struct nginx_directive *same_block(struct verifying *v,
						const struct nginx_directive *in,
						const struct nginx_directive *like_it)
{
	const char *text = nginx_text(v->arena, like_it);

	for (size_t i = 0; i < in->n; i++)
		if (!strcmp(nginx_text(v->arena, &in->at[i]), text))
			return &in->at[i];
	return NULL;
}

static void compare_settings(struct verifying *v, const struct nginx_directive *is,
			     const struct nginx_directive *should)
{
	struct expected e = { 0 };

	for (size_t i = 0; i < should->n; i++)
		if (!is_about_flows(&should->at[i]))
			want(v, &e, nginx_text(v->arena, &should->at[i]));
	compare(v, settings_row(v, is), is, &e, is_about_flows);
	for (size_t i = 0; i < should->n; i++) {
		const struct nginx_directive *inner = same_block(v, is, &should->at[i]);

		if (inner && !is_about_flows(inner) && (inner->n || should->at[i].n))
			compare_settings(v, inner, &should->at[i]);
	}
}

/* Upstreams that no listener leads to. */
static void check_upstreams(struct verifying *v, const struct nginx_directive *block)
{
	const struct rplan_nginx_config *c = rplan_target_nginx(v->target);

	for (size_t i = 0; i < block->n; i++) {
		bool used = false;

		if (!is_named(&block->at[i], "upstream"))
			continue;
		for (size_t k = 0; k < c->listeners.n; k++)
			used = used || !strcmp(nginx_word(&block->at[i], 1),
					       arena_printf(v->arena, "epic_%" PRId64,
							    c->listeners.at[k].port));
		if (!used)
			verify_find(v, block->at[i].line, verify_row(v, "config.listeners"),
				    "'%s' is no listener's", nginx_text(v->arena, &block->at[i]));
	}
}

static void check_settings(struct verifying *v, const struct nginx_directive *file)
{
	struct output_files files = { 0 };
	const struct nginx_directive *should;
	const char *why;
	size_t line;

	if (!verify_again(v, &files))
		return;
	should = nginx_read(v->arena, &files.at[0].text, &line, &why);
	if (should)
		compare_settings(v, file, should);
	sink_free(&files.at[0].text);
}

void verify_nginx(struct verifying *v, const struct sink *text)
{
	const struct rplan_nginx_config *c = rplan_target_nginx(v->target);
	size_t line = 0;
	const char *why = "";
	const struct nginx_directive *file = nginx_read(v->arena, text, &line, &why);

	if (!file) {
		verify_find(v, line, NULL, "nginx cannot read this: %s", why);
		return;
	}
	check_settings(v, file);
	for (size_t i = 0; i < file->n; i++)
		if (is_named(&file->at[i], c->mode)) {
			check_servers(v, &file->at[i]);
			check_upstreams(v, &file->at[i]);
			return;
		}
}
