check_PROGRAMS += %D%/prop_upstream
%C%_prop_upstream_SOURCES = %D%/prop_upstream.c %D%/upstream_talk.c %D%/upstream_talk.h
%C%_prop_upstream_LDADD = runtime/socks/libsocksd.a runtime/socks/libsockswire.a
TESTS += %D%/prop_upstream
