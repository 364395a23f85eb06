noinst_LIBRARIES += %D%/libtools.a
%C%_libtools_a_SOURCES = \
	%D%/ast_json.c %D%/ast_json.h %D%/check.c %D%/command.h %D%/commands.c %D%/compile.c \
	%D%/completion.c %D%/explain.c %D%/explain_slo.c %D%/explain_slo.h \
	%D%/explain_target.c %D%/explain_target.h %D%/flags.c %D%/fmt.c %D%/fmt.h %D%/graph.c %D%/graph.h %D%/help.c \
	%D%/pass.c %D%/print.c %D%/solving.c %D%/solving.h %D%/test.c %D%/trace.c %D%/trace.h %D%/trace_human.c \
	%D%/trace_json.c %D%/trace_packet.c %D%/trace_tasks.c %D%/version.c
%C%_libtools_a_CFLAGS = $(AM_CFLAGS) $(NETTLE_CFLAGS)
