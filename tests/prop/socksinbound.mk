check_PROGRAMS += %D%/prop_inbound
%C%_prop_inbound_SOURCES = %D%/prop_inbound.c %D%/inbound_talk.c %D%/inbound_talk.h
%C%_prop_inbound_LDADD = runtime/socks/libsocksd.a runtime/socks/libsockswire.a $(SOCKS_LIBS)
TESTS += %D%/prop_inbound
