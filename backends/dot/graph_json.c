/* Pictures for machines: "epic.graph/1". */
#include <config.h>

#include <math.h>
#include <string.h>

#include "backends/dot/draw.h"
#include "backends/dot/form.h"

/* `<`, `>` and `&` are escaped too: the text may stand in a page. */
static void put_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n')
			fputs("\\n", to);
		else if (c < 0x20 || c == 0x7f || strchr("<>&", c))
			fprintf(to, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

static void put_member(FILE *to, const char *before, const char *key, const char *value)
{
	fprintf(to, "%s\"%s\": ", before, key);
	if (value)
		put_string(to, value);
	else
		fputs("null", to);
}

static void put_num(FILE *to, double x)
{
	char text[400];
	size_t n = (size_t)snprintf(text, sizeof(text), "%.9f", x);

	while (text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	text[n] = '\0';
	fputs(strcmp(text, "-0") ? text : "0", to);
}

static void put_fact(FILE *to, const struct pic_fact *f)
{
	put_member(to, "{", "key", f->key);
	put_member(to, ", ", "text", f->text);
	fputs(", \"value\": ", to);
	if (f->is_number)
		put_num(to, f->number);
	else
		fputs("null", to);
	fputs("}", to);
}

static void put_row(FILE *to, const struct pic_row *row)
{
	put_member(to, "\n      {", "title", row->title);
	fputs(", \"attributes\": [", to);
	for (size_t i = 0; i < row->n_facts; i++) {
		fputs(i ? ",\n        " : "\n        ", to);
		put_fact(to, &row->facts[i]);
	}
	put_member(to, "],\n       ", "reason", row->reason);
	if (row->place) {
		put_member(to, ", \"source\": {", "file", row->place->file);
		fprintf(to, ", \"line\": %ld, \"col\": %ld}}", (long)row->place->line,
			(long)row->place->col);
	} else {
		fputs(", \"source\": null}", to);
	}
}

static void put_texts(FILE *to, const struct pic_texts *texts)
{
	fputs("[", to);
	for (size_t i = 0; i < texts->n; i++) {
		fputs(i ? ", " : "", to);
		put_string(to, texts->at[i]);
	}
	fputs("]", to);
}

static void put_items_ids(FILE *to, const struct pic_items *items)
{
	const char *before = "";

	fputs("[", to);
	for (size_t i = 0; i < items->n; i++) {
		if (items->at[i]->hidden)
			continue;
		fputs(before, to);
		put_string(to, items->at[i]->id);
		before = ", ";
	}
	fputs("]", to);
}

static void put_what(FILE *to, const struct pic_item *item)
{
	put_member(to, "\n    {", "id", item->id);
	put_member(to, ", ", "kind", item->kind);
	put_member(to, ", ", "name", *item->name ? item->name : NULL);
	put_member(to, ", ", "label", item->label);
}

static void put_tells(FILE *to, const struct pic_item *item)
{
	put_member(to, ",\n     ", "status", item->status);
	fprintf(to, ", \"count\": %zu, \"internal\": %s,\n     \"tags\": {", item->count,
		item->internal ? "true" : "false");
	for (size_t tag = 0; tag < N_TAGS; tag++) {
		fprintf(to, "%s\"%s\": ", tag ? ", " : "", pic_tag_words[tag]);
		put_texts(to, &item->tags[tag]);
	}
	fputs("},\n     \"via\": ", to);
	put_items_ids(to, &item->via);
	fputs(", \"entries\": [", to);
	for (size_t i = 0; i < item->n_rows; i++) {
		fputs(i ? "," : "", to);
		put_row(to, &item->rows[i]);
	}
	fputs("]}", to);
}

static void put_cluster(FILE *to, const struct pic_item *item)
{
	put_what(to, item);
	put_member(to, ", ", "parent", item->cluster ? item->cluster->id : NULL);
	fputs("}", to);
}

static void put_node(FILE *to, const struct pic_item *item)
{
	put_what(to, item);
	put_member(to, ", ", "cluster", item->cluster ? item->cluster->id : NULL);
	put_tells(to, item);
}

static void put_edge(FILE *to, const struct pic_item *item)
{
	put_what(to, item);
	put_member(to, ", ", "from", item->from->id);
	put_member(to, ", ", "to", item->to->id);
	put_tells(to, item);
}

static void put_all(FILE *to, const char *key, const struct pic_items *items,
		    void (*put)(FILE *, const struct pic_item *))
{
	const char *before = "";

	fprintf(to, ",\n  \"%s\": [", key);
	for (size_t i = 0; i < items->n; i++) {
		if (items->at[i]->hidden)
			continue;
		fputs(before, to);
		put(to, items->at[i]);
		before = ",";
	}
	fputs("]", to);
}

void form_json(FILE *to, const struct picture *p)
{
	put_member(to, "{\n  ", "schema", "epic.graph/1");
	put_member(to, ",\n  ", "module", p->plan->module);
	put_member(to, ",\n  ", "view", p->view);
	fputs(",\n  \"notes\": ", to);
	put_texts(to, &p->notes);
	put_all(to, "clusters", &p->clusters, put_cluster);
	put_all(to, "nodes", &p->nodes, put_node);
	put_all(to, "edges", &p->edges, put_edge);
	fputs("\n}\n", to);
}
