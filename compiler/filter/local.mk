noinst_LIBRARIES += %D%/libfilter.a
%C%_libfilter_a_SOURCES = \
	%D%/box.c \
	%D%/carve.c \
	%D%/cubes.c \
	%D%/fields.c %D%/forget.c \
	%D%/filter.h \
	%D%/filter_private.h \
	%D%/fx.c \
	%D%/fx_text.c \
	%D%/judge.c \
	%D%/meet.c \
	%D%/overlaps.c \
	%D%/packet.c \
	%D%/sides.c \
	%D%/values.c \
	%D%/work.c
