/* Every flag of every command; the parser, the help and the completions read this. */
#include <config.h>

#include <string.h>

#include "compiler/tools/command.h"

const struct flag flags[] = {
	{ "help", 'h', NULL, "", "help of the program or of a command" },
	{ "version", 'V', NULL, "", "the version" },
	{ "quiet", 'q', NULL, "", "only errors" },
	{ "verbose", 'v', NULL, "", "more notes; may be repeated" },
	{ "color", 0, "auto|always|never", "", "colours on a terminal, always or never" },
	{ "format", 0, "human|plain|json|jsonl|sarif|github|junit", "", "form of the diagnostics" },
	{ "output", 'o', "PATH", "", "where results go; - is standard output" },
	{ "include", 'I', "DIR", "", "adds a search root for modules; may be repeated" },
	{ "max-errors", 0, "N", "", "diagnostics shown at most (20); 0: no limit" },
	{ "today", 0, "DATE", "", "the day for @expires, instead of the clock's" },
	{ "config", 0, "FILE", "", "the configuration file, in place of the project's" },
	{ "no-config", 0, NULL, "", "reads no configuration file" },
	{ "warn", 'W', "RULE", "", "a lint rule at level warning, by slug or id; later flags win" },
	{ "deny", 'D', "RULE", "", "a lint rule at level error" },
	{ "allow", 'A', "RULE", "", "a lint rule off" },
	{ "watch", 0, NULL, "check lint test", "again whenever a file that was read changes" },
	{ "fix", 0, NULL, "lint", "applies machine-applicable fixes, until none is left" },
	{ "dry-run", 0, NULL, "lint", "with --fix: shows what would change, writes nothing" },
	{ "fail-level", 0, "error|warning|info", "lint", "from which level on findings fail (error)" },
	{ "baseline", 0, "FILE", "lint", "hides the findings that FILE lists" },
	{ "write-baseline", 0, "FILE", "lint", "lists all findings in FILE" },
	{ "rules", 0, NULL, "lint", "lists the catalogue" },
	{ "time-limit", 0, "TIME", "compile explain test trace", "for the solver of schedules, like 60s" },
	{ "gap", 0, "SHARE", "compile explain test trace", "for the solver of schedules, like 1%" },
	{ "offline-solution", 0, "FILE", "compile", "takes the solver's answer from FILE and judges it" },
	{ "partition", 0, "auto|none|front|branches", "compile", "the solver's cut, or a given one, weights solved" },
	{ "formulation", 0, "compact|paper", "compile", "of the solver; paper: the published one" },
	{ "check", 0, NULL, "fmt", "exit 1 if something would change; writes nothing" },
	{ "diff", 0, NULL, "fmt", "shows what would change; writes nothing" },
	{ "target", 't', "TARGET|BACKEND", "compile", "only these; may be repeated" },
	{ "emit", 0, "plan|plan.json|ast|mip.lp|mip.mps", "compile", "writes this too; may be repeated" },
	{ "only-emit", 0, NULL, "compile", "writes nothing but what --emit asks for" },
	{ "force", 0, NULL, "compile", "overwrites files that were changed by hand" },
	{ "timings", 0, NULL, "compile", "solving times in the plan" },
	{ "view", 0, "areas|flows|pipelines|tasks|schedulers", "graph", "what is drawn" },
	{ "as", 0, "FORM", "graph trace version diff", "graph: dot|svg|html|mermaid|json (svg); trace, version: human|json; diff: human|md|json" },
	{ "focus", 0, "NAME", "graph", "only what is near; may be repeated" },
	{ "depth", 0, "N", "graph", "how near (2)" },
	{ "collapse", 0, "NAME", "graph", "a domain or pipeline as one box; may be repeated" },
	{ "internal", 0, NULL, "graph", "shows what the compiler put in" },
	{ "all", 0, NULL, "explain", "every minimal bridge, not the five cheapest" },
	{ "when", 0, "FILTER", "explain", "the filter of a movement" },
	{ "carries", 0, "LABEL", "explain", "the label of a movement" },
	{ "pipeline", 0, "NAME", "trace", "the pipeline, if the policy has several" },
	{ "only", 0, "flows|bridges|areas|pipelines|classes|tasks|weights|files", "diff", "only this kind of difference" },
	{ "exit-code", 0, NULL, "diff", "exit 1 if they differ" },
	{ "coverage", 0, NULL, "test", "lists what no expectation touches" },
	{ "threshold", 0, "SHARE", "test", "with --coverage: exit 1 below it" },
	{ "example", 0, "health|e2|firewall|bng|proxies", "new", "which starter (health)" },
	{ "log", 0, "FILE", "lsp", "writes what is said and done" },
	{ "derived", 0, "INST.ATTR=VALUE", "trace", "what a module derives or writes; may be repeated" },
	{ 0 },
};

bool flag_fits(const struct flag *f, const char *command)
{
	size_t n = strlen(command);

	if (!*f->commands)
		return true;
	for (const char *p = f->commands; (p = strstr(p, command)); p += n)
		if ((p == f->commands || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}
