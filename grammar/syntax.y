/* The grammar of .epi, edition 1 (doc/language.md 3).  LALR(1), no conflicts. */
%define api.pure full
%define api.value.type union
%define api.location.type {struct span}
%define parse.error custom
%define parse.lac full
%locations
%param {struct parser *p}
%expect 0

%code requires {
#include "compiler/ast/ast.h"
struct parser;
}
%code top {
#include <config.h>
}
%code {
#include <string.h>

#include "grammar/parser.h"
#define yylex feed_token
#define YYLLOC_DEFAULT(current, rhs, n)                                                    \
	((current) = (n) ? span_join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, n)) :                  \
			   (struct span){ YYRHSLOC(rhs, 0).source, YYRHSLOC(rhs, 0).end,    \
					  YYRHSLOC(rhs, 0).end })
#define YYMAXDEPTH 6000
static void yyerror(struct span *, struct parser *, const char *);
}

%token END 0 "the end of the file"
%token START_FILE START_EXPRESSION START_PROPERTIES
%token <struct ast_name> IDENT "a name"
%token <struct ast_expr *> STRING "a string" INT "a number" FLOAT "a decimal number"
%token <struct ast_expr *> QUANTITY "a quantity" IP4 "an IPv4 address" IP6 "an IPv6 address"
%token <struct ast_expr *> MAC "a MAC address" SERVICE "a service" DATE "a date"
%token ARROW "'->'" TEE "'->>'" MOVES "'=>'" DOTDOT "'..'"
%token EQ "'=='" NE "'!='" LE "'<='" GE "'>='"
%token EDITION "'edition'" MODULE "'module'" USE "'use'" AS "'as'" LET "'let'"
%token ATTRIBUTE "'attribute'" FUNCTION "'function'" DOMAIN "'domain'" NODE "'node'"
%token CLASS "'class'" PIPELINE "'pipeline'" SLO "'slo'" APPLICATION "'application'"
%token TARGET "'target'" EXPECT "'expect'" AND "'and'" OR "'or'" NOT "'not'" IN "'in'"
%token OTHERWISE "'otherwise'"

%left OR
%left AND
%precedence NOT

%type <struct ast_stmts> items stmts attr_body
%type <struct ast_stmts *> body
%type <struct ast_stmt *> item bare_item decl stmt bare_stmt edge
%type <struct ast_annots> annots
%type <struct ast_annot> annot
%type <struct ast_names> names dotted
%type <enum ast_decl> kind
%type <struct ast_expr *> parent rhs expr move point formula rel val atom scalar set path
%type <struct ast_exprs> exprs hops paths
%type <struct ast_ends> ends
%type <bool> arrow
%type <enum ast_op> relop
%type <struct ast_clauses> clauses
%type <struct ast_clause> clause

%%
start	: START_FILE file
	| START_EXPRESSION expr			{ p->expression = $2; }
	| START_PROPERTIES stmts		{ p->file->items = $2; }
	;
file	: edition header items			{ p->file->items = $3; }
	;
edition	: %empty
	| EDITION INT ';'			{ p->file->has_edition = $2->kind == AST_INT;
						  p->file->edition_span = @2;
						  if (p->file->has_edition)
							p->file->edition = (uint64_t)$2->number.value.num; }
	;
header	: %empty
	| MODULE dotted ';'			{ p->file->has_module = true;
						  p->file->module = $2;
						  p->file->module_span = @2; }
	;
items	: %empty				{ $$ = (struct ast_stmts){ 0 }; }
	| items item				{ $$ = stmts_add(p, $1, $2); }
	| items error ';'			{ $$ = stmts_lost(p, $1, @2); yyerrok; }
	| items error '}'			{ $$ = stmts_lost(p, $1, @2); yyerrok; }
	;
item	: annots bare_item			{ $$ = annotated($1, $2); }
	;
annots	: %empty				{ $$ = (struct ast_annots){ 0 }; }
	| annots annot				{ $$ = annots_add(p, $1, $2); }
	;
annot	: '@' IDENT				{ $$ = (struct ast_annot){ $2, { 0 }, @$ }; }
	| '@' IDENT '(' exprs ')'		{ $$ = (struct ast_annot){ $2, $4, @$ }; }
	;

bare_item : USE dotted ';'			{ $$ = build_use(p, @$, @2, $2); }
	| USE dotted AS IDENT ';'		{ $$ = build_use(p, @$, @2, $2);
						  $$->name = $4;
						  $$->use.has_alias = true; }
	| USE dotted '{' names '}' ';'		{ $$ = build_use(p, @$, @2, $2);
						  $$->use.names = $4;
						  $$->use.has_names = true; }
	| LET IDENT '=' expr ';'		{ $$ = build_let(p, @$, $2, $4); }
	| ATTRIBUTE names ';'			{ $$ = build_attributes(p, @$, $2); }
	| ATTRIBUTE IDENT ':' IDENT body	{ $$ = build_decl(p, @$, DECL_ATTRIBUTE, $2,
						       build_path(p, @4, names_add(p, (struct ast_names){ 0 }, $4), false), $5); }
	| ATTRIBUTE IDENT attr_body		{ $$ = build_decl(p, @$, DECL_ATTRIBUTE, $2, NULL, &$3); }
	| decl
	| EXPECT IDENT exprs clauses ';'	{ $$ = build_property(p, STMT_EXPECT, @$, $2, $3, NULL, $4); }
	| EXPECT NOT IDENT exprs clauses ';'	{ $$ = build_property(p, STMT_EXPECT, @$, $3, $4, NULL, $5);
						  $$->property.negated = true; }
	;
attr_body : '{' stmts '}'			{ $$ = $2; }
	| '{' stmts error '}'			{ $$ = stmts_lost(p, $2, @3); yyerrok; }
	;
names	: IDENT					{ $$ = names_add(p, (struct ast_names){ 0 }, $1); }
	| names ',' IDENT			{ $$ = names_add(p, $1, $3); }
	;

decl	: kind IDENT parent body		{ $$ = build_decl(p, @$, $1, $2, $3, $4); }
	;
kind	: FUNCTION				{ $$ = DECL_FUNCTION; }
	| DOMAIN				{ $$ = DECL_DOMAIN; }
	| NODE					{ $$ = DECL_NODE; }
	| CLASS					{ $$ = DECL_CLASS; }
	| PIPELINE				{ $$ = DECL_PIPELINE; }
	| SLO					{ $$ = DECL_SLO; }
	| APPLICATION				{ $$ = DECL_APPLICATION; }
	| TARGET				{ $$ = DECL_TARGET; }
	;
parent	: %empty				{ $$ = NULL; }
	| ':' dotted				{ $$ = build_path(p, @2, $2, false); }
	;
body	: '{' stmts '}'				{ $$ = arena_one(p->ctx->arena, struct ast_stmts);
						  *$$ = $2; }
	| '{' stmts error '}'			{ $$ = arena_one(p->ctx->arena, struct ast_stmts);
						  *$$ = stmts_lost(p, $2, @3); yyerrok; }
	| ';'					{ $$ = NULL; }
	;

stmts	: %empty				{ $$ = (struct ast_stmts){ 0 }; }
	| stmts stmt				{ $$ = stmts_add(p, $1, $2); }
	| stmts error ';'			{ $$ = stmts_lost(p, $1, @2); yyerrok; }
	;
stmt	: annots bare_stmt			{ $$ = annotated($1, $2); }
	;
bare_stmt : decl
	| LET IDENT '=' expr ';'		{ $$ = build_let(p, @$, $2, $4); }
	| IDENT exprs rhs clauses ';'		{ $$ = build_property(p, STMT_PROPERTY, @$, $1, $2, $3, $4); }
	| IDENT ':' dotted body			{ $$ = build_decl(p, @$, DECL_INSTANCE, $1,
						       build_path(p, @3, $3, false), $4); }
	| IDENT IDENT '{' stmts '}'		{ $$ = build_decl(p, @$, DECL_GROUP, $2, NULL, &$4);
						  if (strcmp($1.name, "group"))
							syntax_error(p, E0201, @1, "expected 'group' here, found '%s'", $1.name); }
	| edge clauses ';'			{ $$ = $1; $$->edge.clauses = $2; $$->span = @$; }
	;
rhs	: %empty				{ $$ = NULL; }
	| '=' expr				{ $$ = $2; }
	;
edge	: ends arrow ends			{ $$ = build_edge(p, @$, $1, $2, $3); }
	| edge arrow ends			{ $$ = edge_more(p, @$, $1, $2, $3); }
	;
ends	: path					{ $$ = ends_of(p, @$, exprs_add(p, (struct ast_exprs){ 0 }, $1)); }
	| '{' paths '}'				{ $$ = ends_of(p, @$, $2); }
	;
paths	: path					{ $$ = exprs_add(p, (struct ast_exprs){ 0 }, $1); }
	| paths ',' path			{ $$ = exprs_add(p, $1, $3); }
	;
arrow	: ARROW					{ $$ = false; }
	| TEE					{ $$ = true; }
	;
clauses	: %empty				{ $$ = (struct ast_clauses){ 0 }; }
	| clauses clause			{ $$ = clauses_add(p, $1, $2); }
	;
clause	: IDENT exprs				{ $$ = (struct ast_clause){ $1, $2, @$ }; }
	| OTHERWISE				{ $$ = (struct ast_clause){ { "otherwise", @1 }, { 0 }, @1 }; }
	;

exprs	: expr					{ $$ = exprs_add(p, (struct ast_exprs){ 0 }, $1); }
	| exprs ',' expr			{ $$ = exprs_add(p, $1, $3); }
	;
expr	: formula
	| path hops				{ $$ = build_chain(p, @$, $1, $2); }
	| move
	;
hops	: ARROW path				{ $$ = exprs_add(p, (struct ast_exprs){ 0 }, $2); }
	| hops ARROW path			{ $$ = exprs_add(p, $1, $3); }
	;
move	: point MOVES point			{ $$ = build_pair(p, AST_MOVE, @$, $1, $3); }
	;
point	: path
	| set
	;
formula	: formula OR formula		{ $$ = build_more(p, AST_OR, @$, $1, $3); }
	| formula AND formula			{ $$ = build_more(p, AST_AND, @$, $1, $3); }
	| NOT formula				{ $$ = build_list(p, AST_NOT, @$, $2); }
	| rel
	;
rel	: val
	| rel relop val				{ $$ = build_rel(p, @$, $1, $2, $3); }
	;
relop	: EQ					{ $$ = OP_EQ; }
	| NE					{ $$ = OP_NE; }
	| '<'					{ $$ = OP_LT; }
	| LE					{ $$ = OP_LE; }
	| '>'					{ $$ = OP_GT; }
	| GE					{ $$ = OP_GE; }
	| IN					{ $$ = OP_IN; }
	;
val	: atom
	| val ':' atom				{ $$ = build_more(p, AST_RATIO, @$, $1, $3); }
	;
atom	: path
	| scalar
	| scalar DOTDOT scalar			{ $$ = build_pair(p, AST_RANGE, @$, $1, $3); }
	| set
	| '(' expr ')'				{ $$ = in_parens($2, @$); }
	;
scalar	: STRING
	| INT
	| FLOAT
	| QUANTITY
	| IP4
	| IP6
	| MAC
	| SERVICE
	| DATE
	;
set	: '{' '}'				{ $$ = build_set(p, @$, (struct ast_exprs){ 0 }); }
	| '{' exprs '}'				{ $$ = build_set(p, @$, $2); }
	| '{' exprs ',' '}'			{ $$ = build_set(p, @$, $2); }
	;
path	: dotted				{ $$ = build_path(p, @$, $1, false); }
	| '*'					{ $$ = build_path(p, @$, (struct ast_names){ 0 }, true); }
	| dotted '.' '*'			{ $$ = build_path(p, @$, $1, true); }
	;
dotted	: IDENT					{ $$ = names_add(p, (struct ast_names){ 0 }, $1); }
	| dotted '.' IDENT			{ $$ = names_add(p, $1, $3); }
	| dotted '.' IN				{ $$ = names_add(p, $1, word_of(p, @3)); }	/* port.in */
	;
%%

enum { MOST_EXPECTED = 64 };

static int yyreport_syntax_error(const yypcontext_t *context, struct parser *p)
{
	yysymbol_kind_t kinds[MOST_EXPECTED];
	struct unexpected u = { .span = *yypcontext_location(context) };
	yysymbol_kind_t found = yypcontext_token(context);
	int n = yypcontext_expected_tokens(context, kinds, MOST_EXPECTED);

	u.at_end = found == YYSYMBOL_YYEOF;
	for (int i = 0; i < n; i++) {
		u.expected[u.n_expected++] = yysymbol_name(kinds[i]);
		u.wants_semicolon |= !strcmp(yysymbol_name(kinds[i]), "';'");
		u.wants_name |= kinds[i] == YYSYMBOL_IDENT;
	}
	report_unexpected(p, &u);
	return 0;
}

/* Only "memory exhausted" arrives here: the stack of the parser is full. */
static void yyerror(struct span *span, struct parser *p, const char *message)
{
	(void)message;
	syntax_error(p, E0201, *span, "this is nested too deeply");
}
