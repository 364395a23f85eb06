noinst_LIBRARIES += %D%/libcore.a
%C%_libcore_a_SOURCES = \
	%D%/ask.c \
	%D%/ask_command.c %D%/ask_command.h \
	%D%/control.c %D%/control.h \
	%D%/filter.c %D%/filter.h \
	%D%/filter_parse.c \
	%D%/json_read.c %D%/json_read.h \
	%D%/listener.c %D%/listener.h \
	%D%/log.c %D%/log.h \
	%D%/options.c %D%/options.h \
	%D%/output.c %D%/output.h \
	%D%/screen.c %D%/screen.h \
	%D%/table.c %D%/table.h \
	%D%/text.c %D%/text.h
%C%_libcore_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
EXTRA_DIST += %D%/README.md
