# The program epic-graph; of epic it shares nothing but the plan.
bin_PROGRAMS += epic-graph
epic_graph_SOURCES = \
	%D%/areas.c \
	%D%/draw.c %D%/draw.h \
	%D%/file.c %D%/file.h \
	%D%/flows.c \
	%D%/main.c \
	%D%/pipelines.c \
	%D%/render.c %D%/render.h \
	%D%/schedule.c %D%/schedule.h \
	%D%/schedulers.c \
	%D%/tasks.c \
	%D%/words.c
epic_graph_CFLAGS = $(AM_CFLAGS) $(GVC_CFLAGS)
epic_graph_LDADD = runtime/plan/libplanreader.a $(GVC_LIBS) $(CBOR_LIBS) -lm
