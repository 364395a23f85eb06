check_PROGRAMS += %D%/test_proxy_config %D%/test_nginx
%C%_test_proxy_config_SOURCES = %D%/test_proxy_config.c
%C%_test_proxy_config_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_proxy_config_LDADD = compiler/plan/libplan.a compiler/ir/libir.a \
	compiler/filter/libfilter.a compiler/base/libbase.a $(UNIT_LIBS)
%C%_test_nginx_SOURCES = %D%/test_nginx.c
%C%_test_nginx_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_nginx_LDADD = backends/libbackends.a compiler/base/libbase.a $(UNIT_LIBS)
TESTS += %D%/test_proxy_config %D%/test_nginx
