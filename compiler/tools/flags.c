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
	{ "format", 0, "human|plain|json|jsonl", "", "form of the diagnostics" },
	{ "output", 'o', "PATH", "", "where results go; - is standard output" },
	{ "include", 'I', "DIR", "", "adds a search root for modules; may be repeated" },
	{ "max-errors", 0, "N", "", "diagnostics shown at most (20); 0: no limit" },
	{ "today", 0, "DATE", "", "the day for @expires, instead of the clock's" },
	{ "no-config", 0, NULL, "", "reads no configuration file" },
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
	{ "as", 0, "FORM", "graph trace version", "graph: dot|svg (svg); trace, version: human|json" },
	{ "all", 0, NULL, "explain", "every minimal bridge, not the five cheapest" },
	{ "when", 0, "FILTER", "explain", "the filter of a movement" },
	{ "carries", 0, "LABEL", "explain", "the label of a movement" },
	{ "pipeline", 0, "NAME", "trace", "the pipeline, if the policy has several" },
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
