noinst_LIBRARIES += %D%/libgrammar.a
%C%_libgrammar_a_SOURCES = \
	%D%/build.c %D%/feed.c %D%/hints.c %D%/literal.c %D%/parse.h %D%/parser.h %D%/report.c \
	%D%/scan.l %D%/syntax.y
# flex writes functions that it does not declare.
%C%_libgrammar_a_CFLAGS = $(AM_CFLAGS) -Wno-missing-prototypes
BUILT_SOURCES += %D%/syntax.h
MAINTAINERCLEANFILES += %D%/scan.c %D%/syntax.c %D%/syntax.h
EXTRA_DIST += %D%/bess_classes.def %D%/dpdk_classes.def %D%/diag.def %D%/lint.def %D%/plan_keys.def \
	%D%/socks_classes.def %D%/units.def
