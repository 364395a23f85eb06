/* Writes the manual pages into a directory: from the tables of commands, flags, exit codes and
 * variables, and of properties and units.  Runs while the tree is built; it is not installed. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compiler/ast/units.h"
#include "compiler/check/schema.h"
#include "compiler/tools/command.h"

/* ---- roff ---- */

/* A hyphen is a minus, and no line of ours is a request. */
static void put_text(struct sink *s, const char *text)
{
	bool begins = !s->size || s->data[s->size - 1] == '\n';

	for (; *text; text++) {
		if (begins && (*text == '.' || *text == '\''))
			sink_puts(s, "\\&");
		begins = *text == '\n';
		if (*text == '\\')
			sink_puts(s, "\\e");
		else if (*text == '-')
			sink_puts(s, "\\-");
		else if ((unsigned char)*text >= 0x80)
			sink_puts(s, ((unsigned char)*text & 0xc0) == 0x80 ? "" : "\\(mc");
		else
			sink_putc(s, *text);
	}
}

static void put_line(struct sink *s, const char *text)
{
	put_text(s, text);
	sink_putc(s, '\n');
}

static void put_title(struct sink *s, const char *name, const char *section, const char *summary)
{
	sink_printf(s, ".TH \"");
	put_text(s, name);
	sink_printf(s, "\" %s \"\" \"epic %s\" \"epic\"\n.SH NAME\n", section, PACKAGE_VERSION);
	put_text(s, name);
	sink_puts(s, " \\- ");
	put_line(s, summary);
}

/* A word in bold, then what it means. */
static void put_entry(struct sink *s, const char *word, const char *meaning)
{
	sink_puts(s, ".TP\n.B ");
	put_line(s, word);
	put_line(s, meaning);
}

static void put_references(struct sink *s, const char *const *pages)
{
	sink_puts(s, ".SH SEE ALSO\n");
	for (; *pages; pages++) {
		const char *section = strchr(*pages, '(');

		sink_puts(s, ".BR ");
		for (const char *c = *pages; c < section; c++)
			sink_puts(s, *c == '-' ? "\\-" : (char[]){ *c, '\0' });
		sink_printf(s, " %s%s\n", section, pages[1] ? " ," : "");
	}
}

/* ---- commands ---- */

static void put_flag(struct sink *s, const struct flag *f)
{
	sink_puts(s, ".TP\n");
	if (f->letter)
		sink_printf(s, "\\fB\\-%c\\fR, ", f->letter);
	sink_puts(s, "\\fB\\-\\-");
	put_text(s, f->name);
	sink_puts(s, "\\fR");
	if (f->argument) {
		sink_puts(s, " \\fI");
		put_text(s, f->argument);
		sink_puts(s, "\\fR");
	}
	sink_putc(s, '\n');
	put_line(s, f->doc);
}

static void put_flags(struct sink *s, const char *command, bool global)
{
	for (const struct flag *f = flags; f->name; f++)
		if (global == !*f->commands && flag_fits(f, command))
			put_flag(s, f);
}

static void put_exits(struct sink *s)
{
	sink_puts(s, ".SH EXIT STATUS\n");
	for (const struct exit_text *e = exit_texts; e->meaning; e++) {
		char code[8];

		snprintf(code, sizeof(code), "%d", e->code);
		put_entry(s, code, e->meaning);
	}
}

static void command_page(const struct command *c, struct sink *s)
{
	char name[64];

	snprintf(name, sizeof(name), "epic-%s", c->name);
	put_title(s, name, "1", c->summary);
	sink_puts(s, ".SH SYNOPSIS\n.B epic ");
	put_line(s, c->name);
	sink_puts(s, "[\\fIFLAGS\\fR] ");
	put_line(s, c->arguments);
	sink_puts(s, ".SH DESCRIPTION\n");
	put_text(s, c->summary);
	put_text(s, c->help ? c->help : "");
	sink_puts(s, ".\n.SH OPTIONS\n");
	put_flags(s, c->name, false);
	sink_puts(s, ".SS Of every command\n");
	put_flags(s, c->name, true);
	put_exits(s);
	put_references(s, (const char *const[]){ "epic(1)", "epi(5)", NULL });
}

static void program_page(struct sink *s)
{
	put_title(s, "epic", "1", "compiler for policies of network functions");
	sink_puts(s, ".SH SYNOPSIS\n.B epic\n\\fICOMMAND\\fR [\\fIFLAGS\\fR] "
		     "[\\fIFILE\\fR]...\n.SH DESCRIPTION\n");
	put_line(s, "epic compiles policies (.epi): who may exchange which data, through which "
		    "functions packets\n"
		    "travel, and which classes of traffic come first. It makes a plan of them, and "
		    "from the plan\n"
		    "the files of proxies and dataplanes.");
	sink_puts(s,
		  ".SH COMMANDS\nEach has a page of its own,\n.BR epic\\-\\fICOMMAND\\fR (1).\n");
	for (const struct command *const *c = commands; *c; c++)
		put_entry(s, (*c)->name, (*c)->summary);
	sink_puts(s, ".SH OPTIONS\n");
	put_flags(s, "", true);
	put_exits(s);
	sink_puts(s, ".SH ENVIRONMENT\n");
	for (const struct variable *v = variables; v->name; v++)
		put_entry(s, v->name, v->doc);
	sink_puts(s, ".SH FILES\n");
	put_entry(s, "epic.conf",
		  "settings of a project, in the directory of the policy or above it");
	put_entry(s, "~/.config/epic/epic.conf",
		  "settings of a user; flags, variables and the project's come before");
	put_references(s, (const char *const[]){ "epi(5)", NULL });
}

/* ---- the language ---- */

static const struct {
	const char *block, *about;
} blocks[] = {
	{ "attribute", "attribute NAME: label { } - what nodes have, and what data needs" },
	{ "function", "function NAME { } - a network function and its cost" },
	{ "domain", "domain NAME { } - an organisation, its nodes and its rules" },
	{ "node", "node NAME: endpoint|proxy|server|switch { } - a machine" },
	{ "class", "class NAME { } - traffic that is treated alike" },
	{ "pipeline", "pipeline NAME { } - modules and the edges between them" },
	{ "instance", "NAME: FUNCTION { } in a pipeline - a module" },
	{ "slo", "slo NAME { } - what classes are promised; group NAME { } within it" },
	{ "application", "application NAME { } - data that moves between nodes" },
	{ "target", "target NAME: bess|dpdk|nginx|socks|dot { } - what is made of it" },
};

/* Which kinds of a block take a property (grammar/schema.def). */
static const struct {
	const char *block;
	char letter;
	const char *kind;
} kinds[] = {
	{ "attribute", 'a', "attributes" }, { "attribute", 'l', "labels" },
	{ "node", 'e', "endpoint" },        { "node", 'p', "proxy" },
	{ "node", 's', "server" },          { "node", 'w', "switch" },
	{ "target", 'b', "bess" },          { "target", 'd', "dpdk" },
	{ "target", 'n', "nginx" },         { "target", 'k', "socks" },
	{ "target", 'g', "dot" },           { "slo", 's', "not in groups" },
};

static const char *const forms[] = {
	[PROP_SYMBOL] = "one of",
	[PROP_WORDS] = "a set of words",
	[PROP_INT] = "a number",
	[PROP_UINT] = "a number",
	[PROP_QUANTITY] = "",
	[PROP_RATE] = "a rate or packet rate",
	[PROP_SPEED] = "bits or packets per cycle",
	[PROP_STRING] = "a string",
	[PROP_FILE] = "a string \"file:PATH\"",
	[PROP_NOTE] = "a string or date",
	[PROP_PREFIXES] = "addresses or prefixes",
	[PROP_REF] = "a name",
	[PROP_REFS] = "a set of names",
	[PROP_FIELDS] = "a set of packet fields",
	[PROP_CORES] = "a number, or a set of cores",
	[PROP_FILTER] = "a filter",
	[PROP_CODE] = "",
};

static void put_form(struct sink *s, const struct prop *p)
{
	sink_puts(s, " \\- ");
	if (p->type == PROP_QUANTITY)
		put_text(s, dimension_phrase(p->of.dimension));
	else
		put_text(s, forms[p->type]);
	if (p->type == PROP_SYMBOL) {
		sink_puts(s, ": ");
		put_text(s, p->of.words);
	}
	if (p->type == PROP_INT || p->type == PROP_UINT)
		sink_printf(s, ", %llu to %llu", (unsigned long long)p->low,
			    (unsigned long long)p->high);
}

static void put_restrictions(struct sink *s, const struct prop *p)
{
	const char *gap = "; only ";

	if (strstr(p->doc, "only") || strstr(p->doc, "not for"))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		char letter[] = { kinds[i].letter, '\0' };
		const char *only = p->flags + strspn(p->flags, "RM");

		if (strcmp(kinds[i].block, p->block) || !*only || !strchr(only, *letter))
			continue;
		sink_printf(s, "%s%s", gap, kinds[i].kind);
		gap = ", ";
	}
}

static void put_property(struct sink *s, const struct prop *p)
{
	sink_puts(s, ".TP\n\\fB");
	put_text(s, p->name);
	sink_puts(s, "\\fR");
	if (p->type != PROP_CODE)
		put_form(s, p);
	sink_putc(s, '\n');
	put_text(s, p->doc);
	if (prop_is_required(p))
		sink_puts(s, "; required");
	else if (p->initial) {
		sink_puts(s, "; default: ");
		put_text(s, p->initial);
	}
	if (prop_may_repeat(p))
		sink_puts(s, "; may be given several times");
	put_restrictions(s, p);
	sink_puts(s, ".\n");
}

/* Unicode has two signs for micro that look alike; one is enough. */
static bool is_second_mu(const char *unit)
{
	return !strncmp(unit, "\316\274", 2);
}

static void put_units(struct sink *s)
{
	sink_puts(
	    s,
	    ".SH UNITS\nA number and its unit are written together:\n.IR 10Gbps , 5ms , 0.5% .\n");
	for (int d = DIM_NONE + 1; d < N_DIMENSIONS; d++) {
		sink_puts(s, ".TP\n.B ");
		put_line(s, dimension_phrase((enum dimension)d));
		for (size_t i = 0; unit_at(i); i++)
			if (unit_at(i)->dimension == (enum dimension)d &&
			    !is_second_mu(unit_at(i)->text)) {
				put_text(s, unit_at(i)->text);
				sink_putc(s, ' ');
			}
		sink_putc(s, '\n');
	}
}

static void language_page(struct sink *s)
{
	put_title(s, "epi", "5", "policies of network functions");
	sink_puts(s, ".SH DESCRIPTION\n");
	put_line(s, "An .epi file states what a network is for. A declaration is a word, a name "
		    "and a block of\n"
		    "properties, each a name, its values and a semicolon. '#' begins a comment, "
		    "'##' one that\n"
		    "describes the declaration below. 'a => b' means that data may move, 'a -> b' "
		    "that packets\n"
		    "go, 'a ->> b' that a copy of them does. A file begins with 'edition 1;'.");
	sink_puts(s, ".SH EXAMPLE\n.nf\n");
	put_line(s, "edition 1;\n"
		    "attribute firewall;\n"
		    "domain clinic {\n"
		    "  default deny;\n"
		    "  permit clinic.records => clinic.backup;\n"
		    "  node records : endpoint { attributes {firewall}; }\n"
		    "  node backup : endpoint { attributes {firewall}; }\n"
		    "}\n"
		    "expect reach clinic.records => clinic.backup;");
	sink_puts(s, ".fi\n.SH BLOCKS\n");
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		sink_printf(s, ".SS %s\n", blocks[i].block);
		put_line(s, blocks[i].about);
		for (const struct prop *p = schema_first(blocks[i].block); p; p = schema_next(p))
			put_property(s, p);
	}
	put_units(s);
	put_references(s, (const char *const[]){ "epic(1)", "epic-explain(1)", NULL });
}

/* ---- files ---- */

static bool write_page(const char *directory, const char *name, const struct sink *s)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (file_write(path, s))
		return true;
	fprintf(stderr, "write_man: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

static bool write_command(const char *directory, const struct command *c)
{
	struct sink s = { 0 };
	char name[64];
	bool ok;

	snprintf(name, sizeof(name), "epic-%s.1", c->name);
	command_page(c, &s);
	ok = write_page(directory, name, &s);
	sink_free(&s);
	return ok;
}

static bool write_by(const char *directory, const char *name, void (*page)(struct sink *))
{
	struct sink s = { 0 };
	bool ok;

	page(&s);
	ok = write_page(directory, name, &s);
	sink_free(&s);
	return ok;
}

int main(int argc, char **argv)
{
	bool ok;

	if (argc != 2) {
		fputs("usage: write_man DIRECTORY\n", stderr);
		return EXIT_USAGE;
	}
	ok = write_by(argv[1], "epic.1", program_page) && write_by(argv[1], "epi.5", language_page);
	for (const struct command *const *c = commands; ok && *c; c++)
		ok = write_command(argv[1], *c);
	return ok ? EXIT_DONE : EXIT_ENVIRONMENT;
}
