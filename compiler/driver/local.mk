bin_PROGRAMS += epic
epic_SOURCES = %D%/main.c %D%/options.c %D%/options.h
epic_CPPFLAGS = $(AM_CPPFLAGS) -DSTDLIB_INSTALLED='"$(pkgdatadir)/stdlib"' \
	-DSTDLIB_SOURCE='"$(abs_top_srcdir)/stdlib"'
# From the top of the house to its foundations: each archive may use those below it.
epic_LDADD = compiler/tools/libtools.a $(BACKEND_LIBS) compiler/plan/libplan.a \
	compiler/solve/libsolve.a compiler/lower/liblower.a compiler/ir/libir.a \
	compiler/check/libcheck.a compiler/model/libmodel.a grammar/libgrammar.a \
	compiler/filter/libfilter.a compiler/ast/libast.a runtime/plan/libplanreader.a \
	compiler/base/libbase.a $(SOLVER_LIBS) $(CBOR_LIBS) $(NETTLE_LIBS) -lm

stdlibdir = $(pkgdatadir)/stdlib
dist_stdlib_DATA = stdlib/bridges.epi stdlib/dataplane.epi stdlib/nets.epi stdlib/nf.epi \
	stdlib/privacy.epi stdlib/security.epi stdlib/services.epi
