noinst_LIBRARIES += %D%/libtools.a
%C%_libtools_a_SOURCES = \
	%D%/ast_json.c %D%/ast_json.h %D%/check.c %D%/command.h %D%/commands.c %D%/compile.c \
	%D%/completion.c %D%/conf.c %D%/conf.h %D%/coverage.c %D%/coverage.h %D%/explain.c %D%/explain_slo.c %D%/explain_slo.h \
	%D%/explain_target.c %D%/explain_target.h %D%/flags.c %D%/fmt.c %D%/fmt.h %D%/graph.c %D%/graph.h %D%/help.c \
	%D%/lint.c %D%/lint.h %D%/lint_allow.c %D%/lint_baseline.c %D%/lint_fix.c %D%/lint_levels.c \
	%D%/lint_names.c %D%/lint_names.h %D%/lint_parts.h %D%/lint_sets.c %D%/lint_text.c \
	%D%/lint_arriving.c %D%/lint_attributes.c %D%/lint_data.c %D%/lint_filters.c %D%/lint_forks.c %D%/lint_functions.c %D%/lint_load.c \
	%D%/lint_memo.h %D%/lint_movement.c \
	%D%/lint_negations.c %D%/lint_objectives.c %D%/lint_outputs.c %D%/lint_permits.c %D%/lint_repetition.c %D%/lint_shared.c %D%/lint_shared.h \
	%D%/lsp.c %D%/lsp.h %D%/lsp_around.c %D%/lsp_complete.c %D%/lsp_deep.c %D%/lsp_edits.c \
	%D%/lsp_facts.c %D%/lsp_hover.c %D%/lsp_lens.c %D%/lsp_names.c %D%/lsp_outline.c %D%/lsp_text.c \
	%D%/lsp_view.c %D%/lsp_wire.c \
	%D%/new.c %D%/pass.c %D%/settings.c %D%/settings.h %D%/print.c %D%/print.h %D%/print_github.c \
	%D%/print_junit.c %D%/print_place.c %D%/print_sarif.c %D%/solving.c %D%/solving.h %D%/test.c %D%/trace.c %D%/trace.h %D%/trace_human.c \
	%D%/trace_json.c %D%/trace_packet.c %D%/trace_tasks.c %D%/diff.c %D%/diff.h %D%/diff_files.c %D%/diff_flows.c %D%/diff_print.c %D%/diff_rows.c %D%/filter_text.c %D%/filter_text.h %D%/line_diff.c %D%/line_diff.h %D%/plan_facts.c %D%/plan_facts.h %D%/why.c %D%/written.c %D%/written.h %D%/nginx_read.c %D%/nginx_read.h %D%/plan_again.c %D%/plan_again.h %D%/script_read.c %D%/script_read.h %D%/verify.c %D%/verify.h %D%/verify_bess.c %D%/verify_chains.c %D%/verify_launch.c %D%/verify_nginx.c %D%/verify_plan.c %D%/verify_proxies.c %D%/verify_schedule.c %D%/pcap_sort.c %D%/pcap_sort.h %D%/version.c %D%/watch.c %D%/watch.h
%C%_libtools_a_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS)
