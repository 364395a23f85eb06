noinst_LIBRARIES += %D%/libbackends.a
%C%_libbackends_a_SOURCES = \
	%D%/backend.h %D%/backends.c %D%/text.c %D%/text.h \
	%D%/nginx/nginx.c %D%/nginx/nginx.h %D%/socks/socks.c %D%/socks/socks.h
