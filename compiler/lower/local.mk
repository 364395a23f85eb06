noinst_LIBRARIES += %D%/liblower.a
%C%_liblower_a_SOURCES = \
	%D%/lower.c %D%/lower.h %D%/movement.c %D%/pipelines.c %D%/private.h %D%/targets.c
