#include <config.h>

#include "runtime/socks/functions/key_broker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/key_office.h"
#include "runtime/socks/functions/function_settings.h"

enum { ROTATE = 86400, AHEAD = 60, KEEP = 2, MOST_SECONDS = 10 * 366 * 86400, WHY = 256 };

struct function {
	struct key_office *office;
	struct key_sign sign;
	_Atomic uint64_t opened, closed, refused;
};

struct wishes {
	const char *keys, *listen, *path;
	int64_t rotate, ahead, keep;
	struct tls_files tls;
	const struct tree_node *clients;
};

/* ---- settings ---- */

static bool read_texts(const struct tree_node *settings, struct wishes *w,
		       struct tree_error *problem)
{
	return settings_text(settings, "keys", &w->keys, problem) &&
	       settings_text(settings, "listen", &w->listen, problem) &&
	       settings_text(settings, "unix", &w->path, problem) &&
	       settings_text(settings, "certificate", &w->tls.certificate, problem) &&
	       settings_text(settings, "key", &w->tls.certificate_key, problem) &&
	       settings_text(settings, "authority", &w->tls.authority, problem) &&
	       (!settings || !tree_member(settings, "clients") ||
		tree_list(settings, "clients", &w->clients, problem));
}

static bool read_numbers(const struct tree_node *settings, struct wishes *w,
			 struct tree_error *problem)
{
	return settings_integer(settings, "rotate", 0, MOST_SECONDS, &w->rotate, problem) &&
	       settings_integer(settings, "ahead", 0, MOST_SECONDS, &w->ahead, problem) &&
	       settings_integer(settings, "keep", 0, KEYS_MOST / 2, &w->keep, problem);
}

static const char *wrong_wishes(const struct wishes *w)
{
	bool any = w->tls.certificate || w->tls.certificate_key || w->tls.authority || w->clients;
	bool all = w->tls.certificate && w->tls.certificate_key && w->tls.authority && w->clients &&
		   w->clients->n_items;

	if (!w->keys)
		return "keys, the directory, is missing";
	if (w->rotate && w->ahead >= w->rotate)
		return "ahead must be less than rotate";
	if (w->listen && !all)
		return "listen needs certificate, key, authority and clients";
	return !w->listen && any ? "certificate, key, authority and clients are for listen" : NULL;
}

static bool read_wishes(const struct tree_node *settings, struct wishes *w,
			struct function_error *error)
{
	static const char *const keys[] = { "keys",      "rotate",  "ahead",       "keep",
					    "listen",    "unix",    "certificate", "key",
					    "authority", "clients", NULL };
	struct tree_error problem;
	const char *wrong;

	*w = (struct wishes){ .rotate = ROTATE, .ahead = -1, .keep = KEEP };
	if (!settings_only(settings, keys, &problem) || !read_texts(settings, w, &problem) ||
	    !read_numbers(settings, w, &problem)) {
		settings_refuse(problem.text, error);
		return false;
	}
	if (w->ahead < 0)
		w->ahead = w->rotate && w->rotate <= 2 * AHEAD ? w->rotate / 2 : AHEAD;
	wrong = wrong_wishes(w);
	if (wrong)
		settings_refuse(wrong, error);
	return !wrong;
}

static bool copy_clients(struct key_sign *s, const struct tree_node *list,
			 struct tree_error *problem)
{
	const char *text;

	if (!list)
		return true;
	s->clients = calloc(list->n_items, sizeof(*s->clients));
	for (size_t i = 0; s->clients && i < list->n_items; i++) {
		if (!tree_text(&list->items[i], NULL, &text, problem))
			return false;
		s->clients[i] = strdup(text);
		if (!s->clients[i])
			break;
		s->n_clients++;
	}
	return s->n_clients == list->n_items ||
	       tree_fail(list, NULL, "does not fit into memory", problem);
}

static bool write_sign(struct key_sign *s, const struct wishes *w, const struct function_site *site,
		       struct function_error *error)
{
	struct tree_error problem;
	struct tls_error tls;

	s->rules = (struct key_rules){ w->rotate * 1000, w->ahead * 1000, w->keep };
	if (!copy_clients(s, w->clients, &problem)) {
		settings_refuse(problem.text, error);
		return false;
	}
	if (w->listen && !(s->tls = tls_server(&w->tls, &tls))) {
		settings_refuse(tls.text, error);
		return false;
	}
	if (w->listen && tls.text[0])
		log_event(site->log, LOG_LEVEL_WARNING, "key-broker", "certificate", "reason",
			  tls.text, NULL);
	return true;
}

/* ---- the class ---- */

static struct function *broker_make(const struct function_site *site, const char *name,
				    const struct tree_node *settings, struct function *was,
				    struct function_error *error)
{
	const char *doors[KEY_DOORS] = { NULL };
	char path[256];
	struct wishes w;
	struct function *f;

	if (!read_wishes(settings, &w, error))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return settings_refuse("memory is exhausted", error);
	doors[0] = w.listen;
	if (w.path) {
		snprintf(path, sizeof(path), "unix:%s", w.path);
		doors[1] = path;
	}
	if (write_sign(&f->sign, &w, site, error))
		f->office =
		    key_office_enter(site, name, w.keys, doors, &f->sign, was ? was->office : NULL,
				     was ? &was->sign : NULL, error);
	if (!f->office) {
		key_sign_free(&f->sign);
		free(f);
		return NULL;
	}
	if (was) {
		f->opened = f->closed = was->opened; /* what is open is the older one's */
		f->refused = was->refused;
	}
	return f;
}

static void broker_release(struct function *f)
{
	if (!f)
		return;
	key_office_leave(f->office, &f->sign);
	key_sign_free(&f->sign);
	free(f);
}

static bool broker_open(struct function *f, const struct function_facts *facts,
			struct function_wake *wake, void **state, char *why)
{
	(void)facts;
	(void)wake;
	*state = NULL;
	if (key_office_current(f->office)) {
		f->opened++;
		return true;
	}
	f->refused++;
	snprintf(why, WHY, "no key of the study is current");
	return false;
}

static void broker_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	(void)state;
	(void)sent;
	f->closed++;
}

static void broker_status(struct function *f, struct text *t)
{
	uint64_t opened = f->opened;

	text_printf(t, "\"opened\": %llu, \"open\": %llu, \"turned-away\": %llu, ",
		    (unsigned long long)opened, (unsigned long long)(opened - f->closed),
		    (unsigned long long)f->refused);
	key_office_status(f->office, t);
}

static bool broker_command(struct function *f, const char *words, struct text *answer)
{
	static const char revoke[] = "revoke ";
	const char *id = words + sizeof(revoke) - 1;
	uint32_t which;

	if (!strcmp(words, "rotate"))
		return key_office_rotate(f->office, answer);
	if (!strncmp(words, revoke, sizeof(revoke) - 1) && key_id_read(id, strlen(id), &which))
		return key_office_revoke(f->office, which, answer);
	text_puts(answer, "a key-broker knows `rotate` and `revoke ID`\n");
	return false;
}

const struct function_class function_key_broker = {
	.name = "key-broker",
	.summary = "hands out and rotates the keys of one study",
	.make = broker_make,
	.release = broker_release,
	.open = broker_open,
	.close = broker_close,
	.status = broker_status,
	.command = broker_command,
};
