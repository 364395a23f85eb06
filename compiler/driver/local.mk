bin_PROGRAMS += epic
epic_SOURCES = %D%/main.c %D%/options.c %D%/options.h
epic_CPPFLAGS = $(AM_CPPFLAGS) -DSTDLIB_INSTALLED='"$(pkgdatadir)/stdlib"' \
	-DSTDLIB_SOURCE='"$(abs_top_srcdir)/stdlib"' \
	-DSTARTERS_INSTALLED='"$(pkgdatadir)/examples/starters"' \
	-DSTARTERS_SOURCE='"$(abs_top_srcdir)/examples/starters"'
# From the top of the house to its foundations: each archive may use those below it.
epic_LDADD = compiler/tools/libtools.a $(BACKEND_LIBS) compiler/plan/libplan.a \
	compiler/solve/libsolve.a compiler/lower/liblower.a compiler/ir/libir.a \
	compiler/check/libcheck.a compiler/model/libmodel.a grammar/libgrammar.a \
	compiler/filter/libfilter.a compiler/ast/libast.a runtime/plan/libplanreader.a \
	runtime/core/libcore.a compiler/base/libbase.a $(SOLVER_LIBS) $(CBOR_LIBS) $(JANSSON_LIBS) $(NETTLE_LIBS) -lm

# Manual pages come from the tables of flags and properties.
noinst_PROGRAMS += %D%/write_man
%C%_write_man_SOURCES = %D%/man.c
%C%_write_man_LDADD = $(epic_LDADD)
man/stamp: %D%/write_man$(EXEEXT)
	$(AM_V_GEN)rm -rf man && $(MKDIR_P) man && %D%/write_man$(EXEEXT) man && touch $@
noinst_DATA = man/stamp
install-data-local: man/stamp
	$(MKDIR_P) '$(DESTDIR)$(mandir)/man1' '$(DESTDIR)$(mandir)/man5'
	$(INSTALL_DATA) man/*.1 '$(DESTDIR)$(mandir)/man1'
	$(INSTALL_DATA) man/*.5 '$(DESTDIR)$(mandir)/man5'
uninstall-local:
	for page in man/*.1; do rm -f "$(DESTDIR)$(mandir)/man1/$${page#man/}"; done
	rm -f '$(DESTDIR)$(mandir)/man5/epi.5'
clean-local:
	rm -rf man

stdlibdir = $(pkgdatadir)/stdlib
dist_stdlib_DATA = stdlib/bridges.epi stdlib/dataplane.epi stdlib/nets.epi stdlib/nf.epi \
	stdlib/privacy.epi stdlib/security.epi stdlib/services.epi
