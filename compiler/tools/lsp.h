/* The language server (doc/cli.md, "Language server"): what its files offer each other.
 *
 *	lsp.c          the command, its loop, the table of methods
 *	lsp_wire.c     messages in, messages out
 *	lsp_text.c     open documents, places, file names and URIs
 *	lsp_view.c     analyses, and how old ones fit newer texts
 *	lsp_facts.c    findings and their fixes as JSON
 *	lsp_deep.c     solving and lint, in a process of its own
 *	lsp_around.c   what stands round a place, from its tokens
 *	lsp_complete.c, lsp_hover.c, lsp_names.c, lsp_outline.c, lsp_edits.c,
 *	lsp_lens.c     the answers
 *
 * A text that is being typed is broken most of the time.  What a request asks of a broken text
 * is looked up in the last analysis of a whole one, and places are carried over: the two texts
 * agree up to the edit and behind it. */
#ifndef EPIC_TOOLS_LSP_H
#define EPIC_TOOLS_LSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "compiler/ast/ast.h"
#include "compiler/base/ctx.h"
#include "compiler/base/sink.h"
#include "compiler/check/schema.h"
#include "compiler/model/model.h"
#include "compiler/tools/command.h"
#include "runtime/core/json_read.h"

/* ---- facts: what an analysis has to say about a stretch of the root text ---- */

enum fact_kind {
	FACT_FINDING, /* members of a Diagnostic behind its range */
	FACT_ACTION,  /* members of a CodeAction; belongs to the finding before it */
	FACT_FIX,     /* the same, for fixes that are always right */
	FACT_HOVER,   /* text for people */
	FACT_HINT     /* text behind the end */
};

struct fact {
	uint32_t kind, start, end;
	const char *text;
};

struct facts {
	struct fact *at;
	size_t n, cap;
};

/* ---- documents ---- */

/* A check of a document's text and all that it uses. */
struct analysis {
	struct ctx *conf;       /* of epic.conf and what follows from it */
	struct options options; /* that hold for the document */
	struct ctx *ctx;        /* its first source is the document */
	struct model *model;    /* NULL: the text is no text */
	bool whole;             /* no block is open at its end, so that the model is complete */
	bool sorted;            /* the model's uses are */
	struct facts facts;
};

struct document {
	char *uri;
	char *path; /* absolute, without links; the URI where that names no file */
	int64_t version;
	struct arena *memory; /* of the text */
	struct source text;
	bool stale;     /* `now` is not of this text, or of older texts that it uses */
	bool published; /* the findings of `now` are with the client */
	bool deep_due;  /* what `deep` says is out of date */
	struct analysis *now, *whole; /* `whole` may be `now`; NULL before the first */
	struct {
		struct arena *memory; /* NULL: nothing is known */
		struct facts facts;
		const char *text; /* that they speak of */
		size_t size;
	} deep;
};

/* A process that solves, or runs the document's expectations. */
struct deep_run {
	bool tests;
	pid_t child; /* 0: none */
	int fd;
	struct document *doc;
	struct sink coming;
};

struct message {
	struct tree *tree; /* NULL: no JSON */
	bool cancelled;
};

struct lsp {
	struct run *run;
	struct options options; /* with the search through open documents */
	FILE *log;
	struct document **docs;
	size_t n_docs;
	char **folders;
	size_t n_folders;
	struct sink in; /* bytes that are no message yet */
	struct message *queue;
	size_t n_queue;
	struct deep_run deep;
	bool eof, initialised, shut_down, over;
	bool utf8; /* places count bytes */
	bool refreshes_hints;
	int64_t n_sent; /* requests of ours */
};

/* ---- one request ---- */

enum {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_NOT_INITIALISED = -32002,
	RPC_CANCELLED = -32800,
	RPC_FAILED = -32803
};

struct call {
	struct lsp *l;
	const struct tree_node *params;
	struct arena *arena;
	struct sink *out; /* the result; nothing: null */
	struct document *doc;
	size_t offset; /* of `position` */
	int code;      /* not 0: refused */
	const char *message;
};

void call_refuse(struct call *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The answers; each is a row of the table in lsp.c. */
void lsp_completion(struct call *);
void lsp_hover(struct call *);
void lsp_definition(struct call *);
void lsp_references(struct call *);
void lsp_highlight(struct call *);
void lsp_prepare_rename(struct call *);
void lsp_rename(struct call *);
void lsp_symbols(struct call *);
void lsp_hints(struct call *);
void lsp_formatting(struct call *);
void lsp_actions(struct call *);
void lsp_lenses(struct call *);
void lsp_execute(struct call *);

/* ---- lsp_wire.c ---- */

/* Reads what is there into the queue; waits for it at most MS (negative: for ever).  False:
 * nothing came. */
bool wire_wait(struct lsp *, int ms);
void wire_send(struct lsp *, const struct sink *body);
void wire_result(struct lsp *, const struct tree_node *id, const struct sink *result);
void wire_error(struct lsp *, const struct tree_node *id, int code, const char *message);
void lsp_log(struct lsp *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As those of runtime/core/json_read.h, but nothing is in nothing; false: not there, or of another
 * type. */
const struct tree_node *json_member(const struct tree_node *, const char *key);
bool json_text(const struct tree_node *, const char *key, const char **);
bool json_integer(const struct tree_node *, const char *key, int64_t low, int64_t high, int64_t *);
bool json_truth(const struct tree_node *, const char *key, bool *);
void sink_id(struct sink *, const struct tree_node *id); /* NULL: null */

/* ---- lsp_text.c ---- */

struct document *doc_find(struct lsp *, const char *uri);
struct document *doc_by_path(struct lsp *, const char *path);
void doc_open(struct lsp *, const char *uri, int64_t version, const char *text);
void doc_close(struct lsp *, struct document *);
/* Applies `contentChanges`; false: one of them is malformed. */
bool doc_change(struct lsp *, struct document *, const struct tree_node *changes);
/* A text of a document or the standard library stands for the file (struct search). */
bool docs_find_text(void *lsp, const char *path, const char **text, size_t *size);

/* Without links; of a file that is not there, its folder.  Both from malloc. */
char *real_name(const char *path);
char *uri_path(const char *uri);
const char *path_uri(struct lsp *, struct arena *, const char *path);
bool place_offset(struct lsp *, const struct source *, const struct tree_node *position, size_t *);
/* {"start": ..., "end": ...} */
void sink_range(struct sink *, const struct lsp *, const struct source *, size_t start, size_t end);
void sink_place(struct sink *, const struct lsp *, const struct source *, size_t offset);
void sink_location(struct sink *, struct lsp *, struct ctx *, struct span);

/* ---- lsp_view.c ---- */

/* A document and the analysis that its answers come from.  The texts are equal but for a middle
 * piece. */
struct view {
	struct document *doc;
	struct analysis *a; /* NULL: none was ever made */
	size_t head, tail;
};

/* How old the analysis may be that an answer comes from: that of the text as it is; of a large
 * text, whose check takes longer than a keystroke should, the last one; always the last one. */
enum freshness { VIEW_NEW, VIEW_SOON, VIEW_LAST };

struct view view_of(struct lsp *, struct document *, enum freshness);
bool view_old(const struct view *, size_t offset, uint32_t *old);
bool view_new(const struct view *, uint32_t start, uint32_t end, size_t *new_start,
	      size_t *new_end);
/* What is named at a place of the analysed text; NULL: nothing. */
const struct use *use_at(struct analysis *, uint32_t offset);
struct analysis *analysis_new(struct lsp *, const char *path);
void analysis_free(struct analysis *);
void uses_sort(struct analysis *);
void doc_forget(struct document *); /* frees its analyses */
/* Analyses what is due and tells the client about one document; false: nothing was due. */
bool docs_refresh(struct lsp *);
void doc_publish(struct lsp *, struct document *);
/* Where a finding of the last deep look stands now; false: in text that was changed. */
bool deep_place(const struct document *, const struct fact *, size_t *start, size_t *end);

/* ---- lsp_facts.c ---- */

/* All findings of CTX as facts about its first source. */
void facts_of(struct lsp *, struct ctx *, struct model *, const char *uri, struct facts *);

/* ---- lsp_deep.c ---- */

bool deep_start(struct lsp *); /* false: nothing is due */
void deep_stop(struct lsp *);
/* What the expectations say is shown when they have run, unless an edit comes before. */
bool deep_test(struct lsp *, struct document *);
void deep_read(struct lsp *); /* what the child says */

/* ---- lsp_around.c ---- */

/* A block that is open at a place: "node", "px", "proxy". */
struct around_block {
	const char *word, *name, *parent; /* "" where there is none */
};

struct around {
	struct {
		struct around_block *at;
		size_t n, cap;
	} blocks;            /* the outermost first */
	struct words names;  /* of the blocks */
	struct words before; /* words of the statement so far */
	struct words path;   /* "a.b" before the dot in front of the place */
	size_t sets;         /* braces that are open in the statement */
	const char *partial; /* what is written of the word at the place */
	size_t start;        /* of it */
	bool in_text;        /* inside a comment or a string */
};

struct around around_of(struct arena *, const struct source *, size_t offset);
/* The block's rows of grammar/schema.def, or NULL; *KINDS as prop_fits takes them. */
const struct prop *around_schema(const struct around *, const char **kinds);
/* The property whose statement is being written, or NULL. */
const struct prop *around_property(const struct around *);
/* The name with its dots at a place: the part up to the component there. */
struct words word_path_at(struct arena *, const struct source *, size_t offset, size_t *start,
			  size_t *end);

/* ---- lsp_hover.c ---- */

/* "3Gbps", with three digits behind the point at most. */
const char *rate_words(struct arena *, struct rat, bool packets);
const char *symbol_doc(struct arena *, const struct model *, const struct symbol *); /* or NULL */

#endif
