noinst_LIBRARIES += %D%/libplan.a
%C%_libplan_a_SOURCES = \
	%D%/bess_class.c %D%/bess_layout.c %D%/bess_layout.h \
	%D%/bess_known.c %D%/bess_modules.c %D%/bess_ports.c %D%/bess_private.h \
	%D%/bess_tree.c %D%/dpdk_check.c \
	%D%/forks.c %D%/forks.h \
	%D%/match.c %D%/match.h %D%/match_filter.c %D%/match_private.h %D%/match_regions.c \
	%D%/match_table.c %D%/match_values.c \
	%D%/plan.c %D%/schedule_row.c %D%/schedule_row.h %D%/plan.h \
	%D%/proxy_config.c %D%/proxy_config.h \
	%D%/proxy_filter.c %D%/proxy_filter.h \
	%D%/proxy_ports.c \
	%D%/proxy_routes.c %D%/proxy_routes.h \
	%D%/plan_rows.c %D%/socks_check.c \
	%D%/plan_walk.c %D%/plan_walk.h
