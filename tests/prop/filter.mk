check_PROGRAMS += %D%/prop_filter
%C%_prop_filter_SOURCES = %D%/prop_filter.c
%C%_prop_filter_LDADD = compiler/filter/libfilter.a compiler/base/libbase.a
TESTS += %D%/prop_filter
