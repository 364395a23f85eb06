noinst_LIBRARIES += %D%/libbackends.a
%C%_libbackends_a_SOURCES = \
	%D%/backend.h %D%/backends.c %D%/text.c %D%/text.h \
	%D%/bess/bess.c %D%/bess/bess.h %D%/dpdk/dpdk.c %D%/dpdk/dpdk.h \
	%D%/nginx/nginx.c %D%/nginx/nginx.h %D%/socks/socks.c %D%/socks/socks.h
