noinst_LIBRARIES += %D%/liblower.a
%C%_liblower_a_SOURCES = \
	%D%/classes.c %D%/headers.c %D%/lower.c %D%/lower.h %D%/movement.c %D%/path_rates.c \
	%D%/pipelines.c %D%/private.h %D%/slos.c %D%/targets.c
