# The program epic-graph; of epic it shares nothing but the plan.
bin_PROGRAMS += epic-graph
epic_graph_SOURCES = \
	%D%/areas.c \
	%D%/dot.c %D%/form.h \
	%D%/draw.c %D%/draw.h \
	%D%/file.c %D%/file.h \
	%D%/flows.c \
	%D%/fold.c %D%/fold.h \
	%D%/graph_json.c \
	%D%/html.c \
	%D%/main.c \
	%D%/mermaid.c \
	%D%/near.c %D%/near.h \
	%D%/picture.c %D%/picture.h \
	%D%/pipelines.c \
	%D%/render.c %D%/render.h \
	%D%/schedule.c %D%/schedule.h \
	%D%/schedulers.c \
	%D%/tasks.c \
	%D%/tell.c \
	%D%/words.c
epic_graph_CFLAGS = $(AM_CFLAGS) $(GVC_CFLAGS)
epic_graph_LDADD = runtime/plan/libplanreader.a $(GVC_LIBS) $(CBOR_LIBS) -lm

# The page's style and script as texts of C, a line each.
nodist_epic_graph_SOURCES = %D%/page_css.c %D%/page_js.c
%D%/page_css.c: $(srcdir)/%D%/page.css
%D%/page_js.c: $(srcdir)/%D%/page.js
%D%/page_css.c %D%/page_js.c:
	$(AM_V_GEN)$(MKDIR_P) %D%
	$(AM_V_at)name=`echo $@ | sed -e 's,.*/,,' -e 's/\.c$$//'`; { \
		echo "extern const char $$name[];"; echo "const char $$name[] ="; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' \
			"$(srcdir)/%D%/`echo $$name | tr _ .`"; \
		echo ";"; } >$@.tmp
	$(AM_V_at)mv $@.tmp $@
CLEANFILES += %D%/page_css.c %D%/page_js.c
EXTRA_DIST += %D%/page.css %D%/page.js %D%/README.md
