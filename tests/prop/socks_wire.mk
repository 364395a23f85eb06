check_PROGRAMS += %D%/prop_socks_wire
%C%_prop_socks_wire_SOURCES = %D%/prop_socks_wire.c %D%/socks_messages.c %D%/socks_messages.h
%C%_prop_socks_wire_LDADD = runtime/socks/libsockswire.a
TESTS += %D%/prop_socks_wire
