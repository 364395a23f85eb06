check_PROGRAMS += %D%/prop_walk
%C%_prop_walk_SOURCES = %D%/prop_walk.c
%C%_prop_walk_LDADD = compiler/lower/liblower.a compiler/ir/libir.a compiler/check/libcheck.a \
	compiler/model/libmodel.a grammar/libgrammar.a compiler/filter/libfilter.a \
	compiler/ast/libast.a compiler/base/libbase.a $(NETTLE_LIBS) -lm
TESTS += %D%/prop_walk
