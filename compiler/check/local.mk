noinst_LIBRARIES += %D%/libcheck.a
%C%_libcheck_a_SOURCES = \
	%D%/attributes.c %D%/blocks.c %D%/check.c %D%/check.h %D%/classes.c %D%/declare.c \
	%D%/domains.c %D%/elsewhere.c %D%/expects.c %D%/filters.c %D%/functions.c %D%/modules.c %D%/names.c %D%/names.h %D%/parts.c %D%/pipelines.c \
	%D%/private.h %D%/rates.c %D%/resolve.c %D%/rest.c %D%/schema.c %D%/schema.h %D%/slos.c %D%/targets.c \
	%D%/value.c %D%/ways_out.c
EXTRA_DIST += grammar/schema.def
