check_PROGRAMS += %D%/prop_redirect
%C%_prop_redirect_SOURCES = %D%/prop_redirect.c
%C%_prop_redirect_LDADD = runtime/socks/libsocksd.a runtime/socks/libsockswire.a \
	runtime/core/libcore.a $(SOCKS_LIBS)
TESTS += %D%/prop_redirect
