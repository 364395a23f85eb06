# Everything but main, so that tests can link what they try.
noinst_LIBRARIES += %D%/libdpdkd.a
%C%_libdpdkd_a_SOURCES = \
	%D%/burst.c \
	%D%/capture.c %D%/capture.h \
	%D%/chooser.c \
	%D%/chooser_acl.c \
	%D%/chooser_bpf.c \
	%D%/classes.c %D%/classes.h \
	%D%/config.c %D%/config.h \
	%D%/cryptodev.c %D%/cryptodev.h \
	%D%/dataplane.c %D%/dataplane.h \
	%D%/device_ethdev.c \
	%D%/device_null.c \
	%D%/devices.c \
	%D%/eal.c %D%/eal.h \
	%D%/filter.c %D%/filter.h \
	%D%/filter_box.c \
	%D%/filter_relax.c \
	%D%/filter_sample.c \
	%D%/filter_term.c \
	%D%/flow.c %D%/flow.h \
	%D%/fragments.c %D%/fragments.h \
	%D%/generate.c %D%/generate.h \
	%D%/generate_parse.c \
	%D%/graph.c %D%/graph.h \
	%D%/graph_check.c \
	%D%/hop.c \
	%D%/instances.c \
	%D%/launch.c %D%/launch.h \
	%D%/lpm_table.c %D%/lpm_table.h \
	%D%/module_acl.c \
	%D%/module_balancer.c \
	%D%/module_cache.c \
	%D%/module_delay.c \
	%D%/module_drop.c \
	%D%/module_esp.c \
	%D%/module_firewall.c \
	%D%/module_ids.c \
	%D%/module_lpm.c \
	%D%/module_monitor.c \
	%D%/module_nat.c \
	%D%/module_normalizer.c \
	%D%/module_port.c \
	%D%/module_queue.c \
	%D%/module_tagger.c \
	%D%/module_work.c \
	%D%/modules.c \
	%D%/packet.c %D%/packet.h \
	%D%/pcap.c %D%/pcap.h \
	%D%/profile.c %D%/profile.h \
	%D%/profile_main.c \
	%D%/rates.c %D%/rates.h \
	%D%/replay.c %D%/replay.h \
	%D%/run.c %D%/run.h \
	%D%/sched.c %D%/sched.h \
	%D%/snapshot.c \
	%D%/stats.c %D%/stats.h \
	%D%/stats_fields.c %D%/stats_fields.h \
	%D%/stats_human.c \
	%D%/stats_json.c \
	%D%/stats_prometheus.c \
	%D%/stats_read.c %D%/stats_read.h \
	%D%/stats_texts.c \
	%D%/telemetry.c %D%/telemetry.h \
	%D%/template.c %D%/template.h \
	%D%/top.c %D%/top.h \
	%D%/traffic.c %D%/traffic.h \
	%D%/worker.c %D%/worker.h \
	%D%/device.h \
	%D%/device_kinds.h \
	%D%/filter_private.h \
	%D%/graph_private.h \
	%D%/lane.h \
	%D%/linear.h \
	%D%/measure.h \
	%D%/module.h \
	%D%/stats_forms.h \
	%D%/symbol.h
%C%_libdpdkd_a_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS) $(HS_CFLAGS)

bin_PROGRAMS += epic-dpdkd
epic_dpdkd_SOURCES = %D%/main.c
epic_dpdkd_CFLAGS = $(AM_CFLAGS) $(DPDK_CFLAGS)
epic_dpdkd_LDADD = $(DPDKD_LIBS)
DPDKD_LIBS = runtime/dpdk/libdpdkd.a runtime/core/libcore.a runtime/plan/libplanreader.a \
	$(DPDK_LIBS) $(HS_LIBS) $(JANSSON_LIBS) $(CBOR_LIBS) -lm -lpthread
EXTRA_DIST += %D%/README.md
