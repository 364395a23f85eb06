check_PROGRAMS += %D%/test_trace
%C%_test_trace_SOURCES = %D%/test_trace.c
%C%_test_trace_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_trace_LDADD = compiler/tools/libtools.a compiler/lower/liblower.a compiler/ir/libir.a \
	compiler/check/libcheck.a compiler/model/libmodel.a grammar/libgrammar.a \
	compiler/filter/libfilter.a compiler/ast/libast.a compiler/base/libbase.a $(NETTLE_LIBS) \
	$(UNIT_LIBS) -lm
TESTS += %D%/test_trace
