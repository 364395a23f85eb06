#include <config.h>

#include "runtime/socks/functions/function_settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tree_node *member(const struct tree_node *settings, const char *key)
{
	return settings ? tree_member(settings, key) : NULL;
}

bool settings_only(const struct tree_node *settings, const char *const *keys,
		   struct tree_error *error)
{
	if (!settings)
		return true;
	if (settings->kind != TREE_OBJECT)
		return tree_fail(settings, NULL, "is not an object", error);
	for (size_t i = 0; i < settings->n_items; i++) {
		const char *const *key = keys;

		while (*key && strcmp(*key, settings->items[i].key))
			key++;
		if (!*key)
			return tree_fail(&settings->items[i], NULL, "is unknown", error);
	}
	return true;
}

bool settings_truth(const struct tree_node *settings, const char *key, bool *value,
		    struct tree_error *error)
{
	return !member(settings, key) || tree_truth(settings, key, value, error);
}

bool settings_integer(const struct tree_node *settings, const char *key, int64_t low, int64_t high,
		      int64_t *value, struct tree_error *error)
{
	return !member(settings, key) || tree_integer(settings, key, low, high, value, error);
}

bool settings_text(const struct tree_node *settings, const char *key, const char **value,
		   struct tree_error *error)
{
	if (!member(settings, key))
		return true;
	if (!tree_text(settings, key, value, error))
		return false;
	return **value || tree_fail(settings, key, "is empty", error);
}

bool settings_choice(const struct tree_node *settings, const char *key, const char *const *names,
		     size_t *which, struct tree_error *error)
{
	const char *text = NULL;
	char what[160] = "is none of";
	size_t n;

	if (!settings_text(settings, key, &text, error))
		return false;
	for (size_t i = 0; text && names[i]; i++) {
		if (!strcmp(names[i], text)) {
			*which = i;
			return true;
		}
		n = strlen(what);
		snprintf(what + n, sizeof(what) - n, "%s %s", i ? "," : "", names[i]);
	}
	return !text || tree_fail(settings, key, what, error);
}

static bool parse_prefix(const struct tree_node *node, struct prefix *out, struct tree_error *error)
{
	const char *text;

	if (!tree_text(node, NULL, &text, error))
		return false;
	return prefix_parse(text, out) || tree_fail(node, NULL, "is not a prefix", error);
}

bool settings_prefix(const struct tree_node *settings, const char *key, struct prefix *out,
		     struct tree_error *error)
{
	const struct tree_node *node = member(settings, key);

	return !node || parse_prefix(node, out, error);
}

bool settings_prefixes(const struct tree_node *settings, const char *key, struct prefixes *out,
		       struct tree_error *error)
{
	const struct tree_node *list;

	if (!member(settings, key))
		return true;
	if (!tree_list(settings, key, &list, error))
		return false;
	out->at = calloc(list->n_items + 1, sizeof(*out->at));
	if (!out->at)
		return tree_fail(list, NULL, "does not fit into memory", error);
	for (; out->n < list->n_items; out->n++)
		if (!parse_prefix(&list->items[out->n], &out->at[out->n], error))
			return false;
	return true;
}

bool prefixes_hold(const struct prefixes *list, const struct wire_address *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (prefix_holds(&list->at[i], a))
			return true;
	return false;
}

/* Returns what follows the number; NULL: there is none. */
static const char *parse_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || value > UINT16_MAX)
		return NULL;
	*port = (uint16_t)value;
	return end;
}

static bool parse_ports(const char *text, struct ports *out)
{
	for (; out->n < SETTINGS_MOST_PORTS; text++) {
		uint16_t *low = &out->at[out->n].low, *high = &out->at[out->n].high;

		text = parse_port(text, low);
		*high = *low;
		if (text && *text == '-')
			text = parse_port(text + 1, high);
		if (!text || *high < *low || (*text && *text != ','))
			return false;
		out->n++;
		if (!*text)
			return true;
	}
	return false;
}

bool settings_ports(const struct tree_node *settings, const char *key, struct ports *out,
		    struct tree_error *error)
{
	const char *text = NULL;

	if (!settings_text(settings, key, &text, error))
		return false;
	return !text || parse_ports(text, out) ||
	       tree_fail(settings, key, "is not a list of ports", error);
}

bool ports_hold(const struct ports *p, uint16_t port)
{
	for (size_t i = 0; i < p->n; i++)
		if (port >= p->at[i].low && port <= p->at[i].high)
			return true;
	return false;
}

void *settings_refuse(const char *what, struct function_error *error)
{
	snprintf(error->text, sizeof(error->text), "%s", what);
	return NULL;
}

const char *settings_host(const struct wire_address *a, char out[SETTINGS_HOST_ROOM])
{
	if (a->kind == WIRE_NAME ||
	    !inet_ntop(a->kind == WIRE_IPV4 ? AF_INET : AF_INET6, a->ip, out, SETTINGS_HOST_ROOM))
		snprintf(out, SETTINGS_HOST_ROOM, "%.*s", (int)(a->name.n < 60 ? a->name.n : 60),
			 a->kind == WIRE_NAME ? (const char *)a->name.at : "");
	return out;
}
