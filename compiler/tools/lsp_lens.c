/* Lenses: "run expect" above each expectation. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/lsp.h"
#include "grammar/parse.h"

static void put_lens(struct call *c, struct span span, bool *first)
{
	sink_puts(c->out, *first ? "{\"range\": " : ", {\"range\": ");
	*first = false;
	sink_range(c->out, c->l, &c->doc->text, span.start, span.end);
	sink_puts(c->out, ", \"command\": {\"title\": \"run expect\", \"command\": "
			  "\"epic.runExpect\", \"arguments\": [");
	sink_json(c->out, c->doc->uri);
	sink_puts(c->out, "]}}");
}

void lsp_lenses(struct call *c)
{
	const struct source *text = &c->doc->text;
	struct ctx *ctx = ctx_new();
	const struct ast_file *file = parse_file(
	    ctx, source_add(&ctx->sources, c->doc->path, c->doc->path, text->text, text->size));
	bool first = true;

	sink_putc(c->out, '[');
	for (size_t i = 0; i < file->items.n; i++)
		if (file->items.at[i]->kind == STMT_EXPECT)
			put_lens(c, file->items.at[i]->span, &first);
	sink_putc(c->out, ']');
	ctx_free(ctx);
}

void lsp_execute(struct call *c)
{
	const struct tree_node *arguments = json_member(c->params, "arguments");
	const char *command, *uri = NULL;

	if (!json_text(c->params, "command", &command) || strcmp(command, "epic.runExpect")) {
		call_refuse(c, RPC_INVALID_PARAMS, "the only command is epic.runExpect");
		return;
	}
	if (arguments && arguments->kind == TREE_LIST && arguments->n_items)
		uri = arguments->items[0].kind == TREE_TEXT ? arguments->items[0].text : NULL;
	c->doc = uri ? doc_find(c->l, uri) : NULL;
	if (!c->doc)
		call_refuse(c, RPC_INVALID_PARAMS, "this document is not open");
	else if (!deep_test(c->l, c->doc))
		call_refuse(c, RPC_FAILED, "no process could be started");
}
