noinst_LIBRARIES += %D%/libplan.a
%C%_libplan_a_SOURCES = \
	%D%/plan.c %D%/plan.h \
	%D%/proxy_config.c %D%/proxy_config.h \
	%D%/proxy_filter.c %D%/proxy_filter.h \
	%D%/proxy_ports.c \
	%D%/proxy_routes.c %D%/proxy_routes.h \
	%D%/plan_rows.c \
	%D%/plan_walk.c %D%/plan_walk.h
