check_PROGRAMS += %D%/prop_match
%C%_prop_match_SOURCES = %D%/prop_match.c
%C%_prop_match_LDADD = compiler/plan/libplan.a compiler/filter/libfilter.a compiler/base/libbase.a
TESTS += %D%/prop_match
