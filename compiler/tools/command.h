/* Commands: one file and one row each.
 *
 * A command reads its options, prints its result to `out` and its findings through
 * the diagnostics of each compilation, and returns the exit code (doc/cli.md). */
#ifndef EPIC_TOOLS_COMMAND_H
#define EPIC_TOOLS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "compiler/base/ctx.h"
#include "compiler/base/sink.h"
#include "compiler/check/check.h"
#include "compiler/ir/ir.h"
#include "compiler/ir/solution.h"
#include "compiler/model/model.h"
#include "compiler/plan/plan.h"
#include "compiler/solve/scheduling.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FINDINGS = 1,
	EXIT_USAGE = 2,
	EXIT_IMPOSSIBLE = 3,
	EXIT_UNDECIDED = 4,
	EXIT_ENVIRONMENT = 5,
	EXIT_BUG = 70,
	EXIT_INTERRUPTED = 130
};

/* The worse of two, in the order 70, 5, 2, 1, 3, 4, 0. */
int exit_worse(int a, int b);
const char *exit_meaning(int code);

enum diag_format {
	FORMAT_HUMAN,
	FORMAT_PLAIN,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_SARIF,
	FORMAT_GITHUB,
	FORMAT_JUNIT
};

/* -W, -D, -A and the same words of configuration files, later ones win: the letter and the rule's
 * slug or id. */
struct rule_level {
	char letter;
	const char *rule;
	const char *where; /* "-D", or FILE:LINE of a configuration file */
};

struct rule_levels {
	struct rule_level *at;
	size_t n, cap;
};

struct texts {
	const char **at;
	size_t n, cap;
};

struct spans {
	struct span *at;
	size_t n, cap;
};

/* What flags, variables and configuration files set alike: settings.h. */
enum setting_id {
	SETTING_FORMAT,
	SETTING_COLOR,
	SETTING_MAX_ERRORS,
	SETTING_TODAY,
	SETTING_TIME_LIMIT,
	SETTING_GAP,
	SETTING_FAIL_LEVEL,
	SETTING_BASELINE,
	N_SETTINGS
};

enum setting_rank { FROM_DEFAULT, FROM_USER, FROM_PROJECT, FROM_ENVIRONMENT, FROM_FLAG };

struct setting_state {
	const char *text, *where; /* as written, and by whom; NULL: the default holds */
	enum setting_rank rank;
};

struct options {
	struct arena *arena;
	const char *program; /* argv[0] */
	struct texts files;  /* arguments behind the command */
	struct search search;
	enum diag_format format;
	bool color;
	bool quiet;
	unsigned verbose;
	size_t max_errors;
	const char *output; /* -o; NULL: the command's default */
	struct texts targets, emits;
	bool only_emit, force, timings;
	bool check, diff;          /* fmt */
	bool all;                  /* explain */
	const char *when, *carries;
	const char *view, *as;     /* graph, trace, version */
	const char *pipeline;      /* trace */
	struct texts derived;      /* trace: INST.ATTR=VALUE */
	struct sched_options solving; /* compile, explain, test */
	const char *offline_solution;
	struct setting_state settings[N_SETTINGS];
	const char *config; /* --config FILE */
	bool no_config;
	struct texts conf_files; /* that were read, the user's first */
	const char *today; /* YYYY-MM-DD; NULL: the clock's day, UTC */
	bool watch;        /* check, lint, test */
	struct texts *read; /* gets the paths of all sources; NULL: nobody asks */
	struct rule_levels levels;
	bool fix, dry_run, list_rules, write_baseline; /* lint */
	const char *fail_level, *baseline;
	const char *only;        /* diff */
	bool exit_code;          /* diff */
	bool coverage;           /* test */
	double threshold;        /* test: a share; negative: none */
	const char *example;     /* new */
	const char *starters;    /* new: where they lie; NULL: nowhere */
	const char *log;         /* lsp */
	const char *depth;       /* graph */
	struct texts focus, collapse;
	bool internal;
};

/* One run of a command: where it prints, and what it has found so far. */
struct run {
	const struct options *options;
	FILE *out, *err;
	const char *command; /* its name */
	const char *path;    /* of the policy that is reported */
	struct sink pending; /* findings that are not yet written */
	void *kept;	     /* what the format remembers until the end */
	struct spans judged; /* test: the expectations of the policy at hand that were judged */
	struct texts coverage; /* test: a JSON object for each policy, for formats of machines */
	bool write_failed;   /* said already; exit code 5 */
	size_t n_errors, n_warnings, n_infos, n_shown;
};

struct command {
	const char *name, *arguments, *summary;
	const char *help; /* more lines, or NULL */
	int (*run)(struct run *);
	bool no_conf; /* reads no configuration file, or by itself */
	bool result;  /* prints a result of its own beside its findings */
};

extern const struct command *const commands[]; /* NULL-terminated */
const struct command *command_find(const char *name);

/* ---- what commands share: tools/pass.c ---- */

/* How far a policy is taken. */
enum depth { DEPTH_MODEL, DEPTH_MOVEMENT, DEPTH_PLAN };

/* A policy on its way; NULL where an earlier stage failed. */
struct policy {
	struct ctx *ctx;
	const char *path;
	struct model *model;
	struct ir *ir;
	struct solution *solution;
	struct schedule **schedules; /* per target; NULL where none is due */
	struct plan *plan;
};

/* The tasks of one target, as the flags ask; reported if REPORT. */
struct schedule *policy_schedule(const struct options *, struct policy *, uint32_t target, bool report);
/* Runs the stages up to DEPTH.  Findings are in p->ctx->diags, not yet printed. */
struct policy policy_read(const struct options *, const char *path, enum depth);
/* From DEPTH_MOVEMENT on to a solution of all flows together and a plan without schedules, for those
 * who look at them; what would be reported on the way is not.  Nothing if there is no graph. */
void policy_plan_quietly(struct policy *);
/* Exit code of the findings alone. */
int policy_code(const struct policy *);
/* Prints the findings; returns policy_code. */
int policy_report(struct run *, struct policy *);
void policy_close(struct policy *);

/* An error about the run: "epic: ...". */
void run_error(struct run *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Whether a result would not meet findings on standard output; false: reported. */
bool run_has_room(struct run *);
/* The result of a command to -o or standard output; false: reported. */
bool run_write(struct run *, const struct sink *);

/* A file, or the .epi files directly in a directory, sorted; false: reported. */
bool files_expand(struct run *, struct texts *);

/* ---- tools/print.c ---- */

void print_diags(struct run *, struct ctx *);
void print_end(struct run *, int code); /* what the format says once, at the end */
/* human and plain: findings go to standard error; those of other formats to standard output. */
bool format_is_for_people(enum diag_format);

/* ---- the flags, for help and completion: driver/options.c makes the table ---- */

struct flag {
	const char *name; /* without dashes */
	char letter;      /* or 0 */
	const char *argument; /* NULL: none; words joined by | are the values it takes */
	const char *commands; /* blank-separated; "" means all */
	const char *doc;
};

extern const struct flag flags[]; /* ends with a NULL name */
bool flag_fits(const struct flag *, const char *command);

/* ---- for help and manual pages: tools/help.c ---- */

struct exit_text {
	int code;
	const char *meaning;
};
extern const struct exit_text exit_texts[]; /* ends with a NULL meaning */

struct variable {
	const char *name, *doc;
};
extern const struct variable variables[]; /* of the environment; ends with a NULL name */

#endif
