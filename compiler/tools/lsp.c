/* The language server: its loop and its table of methods. */
#include <config.h>

#include "compiler/tools/lsp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"

/* Milliseconds without input after which findings are told, and solving begins. */
enum { PAUSE_BEFORE_CHECK = 40, PAUSE_BEFORE_SOLVING = 250 };

void call_refuse(struct call *c, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	c->message = arena_vprintf(c->arena, fmt, args);
	va_end(args);
	c->code = code;
}

/* ---- the beginning and the end ---- */

static bool lists(const struct tree_node *list, const char *word)
{
	if (!list || list->kind != TREE_LIST)
		return false;
	for (size_t i = 0; i < list->n_items; i++)
		if (list->items[i].kind == TREE_TEXT && !strcmp(list->items[i].text, word))
			return true;
	return false;
}

static void add_folder(struct lsp *l, const struct tree_node *uri)
{
	if (!uri || uri->kind != TREE_TEXT)
		return;
	l->folders = xrealloc(l->folders, (l->n_folders + 1) * sizeof(*l->folders));
	l->folders[l->n_folders++] = uri_path(uri->text);
}

static void read_folders(struct lsp *l, const struct tree_node *params)
{
	const struct tree_node *list = json_member(params, "workspaceFolders");

	if (list && list->kind == TREE_LIST)
		for (size_t i = 0; i < list->n_items; i++)
			add_folder(l, json_member(&list->items[i], "uri"));
	else
		add_folder(l, json_member(params, "rootUri"));
}

static void initialize(struct call *c)
{
	struct lsp *l = c->l;
	const struct tree_node *can = json_member(c->params, "capabilities");
	const struct tree_node *hints = json_member(json_member(can, "workspace"), "inlayHint");

	if (l->initialised) {
		call_refuse(c, RPC_INVALID_REQUEST, "the server is initialised already");
		return;
	}
	l->initialised = true;
	l->utf8 = lists(json_member(json_member(can, "general"), "positionEncodings"), "utf-8");
	json_truth(hints, "refreshSupport", &l->refreshes_hints);
	read_folders(l, c->params);
	sink_printf(
	    c->out,
	    "{\"capabilities\": {\"positionEncoding\": \"%s\", "
	    "\"textDocumentSync\": {\"openClose\": true, \"change\": 2, \"save\": true}, "
	    "\"completionProvider\": {\"triggerCharacters\": [\".\", \"@\", \":\"]}, "
	    "\"hoverProvider\": true, \"definitionProvider\": true, \"referencesProvider\": true, "
	    "\"documentHighlightProvider\": true, \"documentSymbolProvider\": true, "
	    "\"codeActionProvider\": {\"codeActionKinds\": [\"quickfix\"]}, "
	    "\"documentFormattingProvider\": true, \"renameProvider\": {\"prepareProvider\": "
	    "true}, "
	    "\"inlayHintProvider\": true, \"codeLensProvider\": {}, "
	    "\"executeCommandProvider\": {\"commands\": [\"epic.runExpect\"]}}, \"serverInfo\": "
	    "{\"name\": \"epic\", \"version\": "
	    "\"%s\"}}",
	    l->utf8 ? "utf-8" : "utf-16", PACKAGE_VERSION);
}

static void shut_down(struct call *c)
{
	c->l->shut_down = true;
}

static void leave(struct call *c)
{
	c->l->over = true;
}

/* ---- documents ---- */

static void did_open(struct call *c)
{
	const struct tree_node *doc = json_member(c->params, "textDocument");
	const char *uri, *text;
	int64_t version = 0;

	if (json_text(doc, "uri", &uri) && json_text(doc, "text", &text)) {
		json_integer(doc, "version", INT32_MIN, INT32_MAX, &version);
		doc_open(c->l, uri, version, text);
	} else {
		lsp_log(c->l, "-- a document without a URI or a text was opened");
	}
}

static void did_change(struct call *c)
{

	json_integer(json_member(c->params, "textDocument"), "version", INT32_MIN, INT32_MAX,
		     &c->doc->version);
	if (!doc_change(c->l, c->doc, json_member(c->params, "contentChanges")))
		lsp_log(c->l, "-- a change of %s is malformed", c->doc->uri);
}

/* The client drops what it was told. */
static void did_close(struct call *c)
{
	struct sink s = { 0 };

	sink_puts(&s, "{\"jsonrpc\": \"2.0\", \"method\": \"textDocument/publishDiagnostics\", "
		      "\"params\": {\"uri\": ");
	sink_json(&s, c->doc->uri);
	sink_puts(&s, ", \"diagnostics\": []}}");
	doc_close(c->l, c->doc);
	wire_send(c->l, &s);
	sink_free(&s);
}

/* Files that are not open may have changed. */
static void files_changed(struct call *c)
{
	deep_stop(c->l);
	for (size_t i = 0; i < c->l->n_docs; i++)
		c->l->docs[i]->stale = c->l->docs[i]->deep_due = true;
}

static void nothing(struct call *c)
{
	(void)c;
}

/* ---- the table ---- */

enum { NEEDS_DOC = 1, NEEDS_PLACE = 2, NOTICE = 4, ALWAYS = 8 };

static const struct method {
	const char *name;
	void (*run)(struct call *);
	unsigned flags;
} methods[] = {
	{ "initialize", initialize, ALWAYS },
	{ "initialized", nothing, NOTICE },
	{ "shutdown", shut_down, 0 },
	{ "exit", leave, NOTICE | ALWAYS },
	{ "$/cancelRequest", nothing, NOTICE },
	{ "$/setTrace", nothing, NOTICE },
	{ "textDocument/didOpen", did_open, NOTICE },
	{ "textDocument/didChange", did_change, NOTICE | NEEDS_DOC },
	{ "textDocument/didClose", did_close, NOTICE | NEEDS_DOC },
	{ "textDocument/didSave", files_changed, NOTICE },
	{ "workspace/didChangeWatchedFiles", files_changed, NOTICE },
	{ "workspace/didChangeConfiguration", nothing, NOTICE },
	{ "textDocument/completion", lsp_completion, NEEDS_DOC | NEEDS_PLACE },
	{ "textDocument/hover", lsp_hover, NEEDS_DOC | NEEDS_PLACE },
	{ "textDocument/definition", lsp_definition, NEEDS_DOC | NEEDS_PLACE },
	{ "textDocument/references", lsp_references, NEEDS_DOC | NEEDS_PLACE },
	{ "textDocument/documentHighlight", lsp_highlight, NEEDS_DOC | NEEDS_PLACE },
	{ "textDocument/prepareRename", lsp_prepare_rename, NEEDS_DOC | NEEDS_PLACE },
	{ "textDocument/rename", lsp_rename, NEEDS_DOC | NEEDS_PLACE },
	{ "textDocument/documentSymbol", lsp_symbols, NEEDS_DOC },
	{ "textDocument/inlayHint", lsp_hints, NEEDS_DOC },
	{ "textDocument/formatting", lsp_formatting, NEEDS_DOC },
	{ "textDocument/codeAction", lsp_actions, NEEDS_DOC },
	{ "textDocument/codeLens", lsp_lenses, NEEDS_DOC },
	{ "workspace/executeCommand", lsp_execute, 0 },
};

static const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

/* ---- one message ---- */

static bool find_place(struct call *c, const struct method *m)
{
	const char *uri;

	if (!(m->flags & NEEDS_DOC))
		return true;
	if (json_text(json_member(c->params, "textDocument"), "uri", &uri))
		c->doc = doc_find(c->l, uri);
	if (!c->doc) {
		call_refuse(c, RPC_INVALID_PARAMS, "this document is not open");
		return false;
	}
	if (m->flags & NEEDS_PLACE &&
	    !place_offset(c->l, &c->doc->text, json_member(c->params, "position"), &c->offset)) {
		call_refuse(c, RPC_INVALID_PARAMS, "a position is due here");
		return false;
	}
	return true;
}

static void run_method(struct call *c, const char *name, bool cancelled)
{
	const struct method *m = method_find(name);
	struct lsp *l = c->l;

	if (!l->initialised && !(m && m->flags & ALWAYS))
		call_refuse(c, RPC_NOT_INITIALISED, "'initialize' comes first");
	else if (l->shut_down && !(m && m->flags & ALWAYS))
		call_refuse(c, RPC_INVALID_REQUEST, "the server was shut down");
	else if (!m)
		call_refuse(c, RPC_NO_METHOD, "there is no method %s", name);
	else if (cancelled)
		call_refuse(c, RPC_CANCELLED, "cancelled");
	else if (find_place(c, m))
		m->run(c);
}

static void handle_request(struct lsp *l, const struct tree_node *root, const char *name,
			   bool cancelled)
{
	const struct tree_node *id = json_member(root, "id");
	struct sink out = { 0 };
	struct call c = {
		.l = l, .params = json_member(root, "params"), .arena = arena_new(), .out = &out
	};

	run_method(&c, name, cancelled);
	if (id && c.code)
		wire_error(l, id, c.code, c.message);
	else if (id)
		wire_result(l, id, &out);
	else if (c.code)
		lsp_log(l, "-- %s: %s", name, c.message);
	sink_free(&out);
	arena_free(c.arena);
}

static void handle(struct lsp *l, const struct message *m)
{
	const struct tree_node *root = m->tree ? tree_root(m->tree) : NULL;
	const char *name;

	if (!root)
		wire_error(l, NULL, RPC_PARSE_ERROR, "this is no JSON");
	else if (root->kind == TREE_OBJECT && json_text(root, "method", &name))
		handle_request(l, root, name, m->cancelled);
	else if (root->kind != TREE_OBJECT ||
		 !(json_member(root, "result") || json_member(root, "error")))
		wire_error(l, json_member(root, "id"), RPC_INVALID_REQUEST, "this is no request");
}

/* ---- the loop ---- */

static bool any_due(const struct lsp *l, bool deep)
{
	for (size_t i = 0; i < l->n_docs; i++)
		if (deep ? l->docs[i]->deep_due : l->docs[i]->stale || !l->docs[i]->published)
			return true;
	return false;
}

/* Requests first, findings in a pause, solving in a longer one. */
static void wait_or_work(struct lsp *l)
{
	bool check = any_due(l, false), deep = !l->deep.child && any_due(l, true);

	if (wire_wait(l, check ? PAUSE_BEFORE_CHECK : deep ? PAUSE_BEFORE_SOLVING : -1))
		return;
	if (check)
		docs_refresh(l);
	else if (deep)
		deep_start(l);
}

static void serve(struct lsp *l)
{
	while (!l->over) {
		/* What waits on the wire may cancel what waits in the queue. */
		while (!l->eof && wire_wait(l, 0))
			;
		if (l->n_queue) {
			struct message m = l->queue[0];

			memmove(l->queue, l->queue + 1, --l->n_queue * sizeof(m));
			handle(l, &m);
			tree_free(m.tree);
		} else if (l->eof) {
			return;
		} else {
			wait_or_work(l);
		}
	}
}

static void lsp_close(struct lsp *l)
{
	deep_stop(l);
	while (l->n_docs)
		doc_close(l, l->docs[l->n_docs - 1]);
	while (l->n_queue)
		tree_free(l->queue[--l->n_queue].tree);
	while (l->n_folders)
		free(l->folders[--l->n_folders]);
	free(l->docs);
	free(l->queue);
	free(l->folders);
	sink_free(&l->in);
	if (l->log)
		fclose(l->log);
}

static int run_lsp(struct run *r)
{
	struct lsp l = { .run = r, .options = *r->options };
	bool polite;

	if (r->options->files.n) {
		run_error(r, "lsp takes no FILE; the editor sends its documents");
		return EXIT_USAGE;
	}
	if (r->options->log && !(l.log = fopen(r->options->log, "w"))) {
		run_error(r, "cannot write %s: %s", r->options->log, strerror(errno));
		return EXIT_ENVIRONMENT;
	}
	l.options.search.find_text = docs_find_text;
	l.options.search.data = &l;
	l.options.search.keeps_uses = true;
	serve(&l);
	polite = l.shut_down;
	lsp_close(&l);
	return polite ? EXIT_DONE : EXIT_FINDINGS;
}

const struct command command_lsp = {
	.name = "lsp",
	.arguments = "",
	.summary = "a language server on standard input and output, for editors",
	.no_conf = true, /* each document has its own */
	.run = run_lsp,
};
