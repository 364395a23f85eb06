#include <config.h>

#include "compiler/check/names.h"

#include "compiler/check/private.h"

static struct scope *scope_of(const struct model *m, const struct symbol *block)
{
	return block && block->members ? block->members : m->root->scope;
}

static void add(const struct model *m, struct map *known, struct seen_list *list, struct seen seen)
{
	if (map_get(known, seen.name))
		return;
	map_put(known, seen.name, (void *)seen.name);
	vec_push(m->ctx->arena, list, seen);
}

static void add_scope(const struct model *m, struct map *known, const struct scope *s, bool foreign,
		      struct seen_list *list)
{
	for (size_t i = 0; i < s->words.n; i++) {
		const char *name = s->words.at[i];

		if (!foreign || name[0] != '_')
			add(m, known, list, (struct seen){ name, scope_find_own(s, name), NULL });
	}
}

static void add_imports(const struct model *m, struct map *known, const struct scope *s,
			struct seen_list *list)
{
	for (size_t i = 0; i < s->prefixes.n; i++) {
		const struct import *import = map_get(&s->imports, s->prefixes.at[i]);
		struct seen seen = { import->name, NULL, import->module };

		if (import->member) {
			seen.sym = scope_find_own(import->module->scope, import->member);
			seen.module = NULL;
		}
		add(m, known, list, seen);
	}
}

void names_in_sight(const struct model *m, const struct symbol *block, struct seen_list *list)
{
	struct map known;

	map_init(&known, m->ctx->arena);
	for (const struct scope *s = scope_of(m, block); s; s = s->outer) {
		add_scope(m, &known, s, false, list);
		add_imports(m, &known, s, list);
	}
}

void names_offered(const struct model *m, const struct module *module, struct seen_list *list)
{
	struct map known;

	map_init(&known, m->ctx->arena);
	add_scope(m, &known, module->scope, true, list);
}

struct module *names_module(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->modules.n; i++)
		if (m->modules.at[i]->name == name)
			return m->modules.at[i];
	return NULL;
}

static struct resolved resolve_words(const struct model *m, const struct symbol *block,
				     const struct words *words)
{
	/* Looking a name up adds nothing to the model but for the list of uses. */
	struct model quiet = *m;
	struct check c = { .ctx = m->ctx, .model = &quiet };
	struct ast_expr path = { .kind = AST_PATH };

	quiet.keeps_uses = false;
	for (size_t i = 0; i < words->n; i++) {
		struct ast_name name = { intern_text(m->ctx->names, words->at[i]), SPAN_NONE };

		vec_push(m->ctx->arena, &path.path.names, name);
	}
	return resolve_quietly(&c, scope_of(m, block), &path);
}

struct symbol *names_find(const struct model *m, const struct symbol *block,
			  const struct words *words)
{
	struct resolved r = resolve_words(m, block, words);

	return r.used == words->n ? r.sym : NULL;
}

static const struct import *import_of(const struct model *m, const char *name)
{
	return map_get(&m->root->scope->imports, intern_text(m->ctx->names, name));
}

void names_within(const struct model *m, const struct symbol *block, const struct words *words,
		  struct seen_list *list)
{
	struct symbol *sym = names_find(m, block, words);
	const struct import *import = words->n == 1 ? import_of(m, words->at[0]) : NULL;
	struct map known;

	map_init(&known, m->ctx->arena);
	if (sym && sym->members)
		add_scope(m, &known, sym->members, sym->module != m->root, list);
	else if (!sym && import && !import->member)
		add_scope(m, &known, import->module->scope, true, list);
}

struct symbol *names_block(const struct model *m, const struct words *words)
{
	const struct scope *s = m->root->scope;
	struct symbol *block = NULL;

	for (size_t i = 0; s && i < words->n; i++) {
		struct symbol *next = scope_find_own(s, intern_text(m->ctx->names, words->at[i]));

		if (!next)
			break;
		block = next;
		s = block->members;
	}
	return block;
}

struct symbol *names_sibling(const struct model *m, const struct symbol *sym, const char *name)
{
	const struct scope *s = sym->owner ? sym->owner->members : sym->module->scope;

	return scope_find_own(s, intern_text(m->ctx->names, name));
}
