noinst_LIBRARIES += %D%/libsockswire.a
%C%_libsockswire_a_SOURCES = \
	%D%/cursor.c %D%/cursor.h \
	%D%/dialect.c %D%/dialect.h \
	%D%/faults.def %D%/outcomes.def \
	%D%/reply.c %D%/reply.h \
	%D%/socks5.c %D%/socks5.h \
	%D%/socks6.c %D%/socks6.h \
	%D%/socks6_epi.c %D%/socks6_epi.h \
	%D%/socks6_options.c %D%/socks6_options.h \
	%D%/tokens.c %D%/tokens.h \
	%D%/wire.c %D%/wire.h

# The runtime itself, but for main, so that tests can link what they try.
noinst_LIBRARIES += %D%/libsocksd.a
%C%_libsocksd_a_SOURCES = \
	%D%/bytes.c \
	%D%/clients.c %D%/clients.h \
	%D%/counters.c %D%/counters.h \
	%D%/dial.c %D%/dial.h \
	%D%/function.h \
	%D%/functions.c \
	%D%/inbound.c %D%/inbound.h \
	%D%/inbound_epi.c \
	%D%/inbound_own.h \
	%D%/inbound_socks5.c \
	%D%/inbound_socks6.c \
	%D%/lockdown.c %D%/lockdown.h \
	%D%/loop.c %D%/loop.h \
	%D%/policy.c %D%/policy.h \
	%D%/policy_ask.c \
	%D%/policy_catches.c \
	%D%/policy_chains.c \
	%D%/policy_filter.c \
	%D%/policy_index.c \
	%D%/policy_listeners.c \
	%D%/policy_nodes.c \
	%D%/policy_private.h \
	%D%/policy_texts.c \
	%D%/policy_why.c \
	%D%/prefix.c %D%/prefix.h \
	%D%/proxy_header.c \
	%D%/redirect.c %D%/redirect.h \
	%D%/redirect_install.c \
	%D%/redirect_rules.c %D%/redirect_rules.h \
	%D%/relay.c %D%/relay.h \
	%D%/relay_lane.c \
	%D%/relay_parts.h \
	%D%/relay_splice.c \
	%D%/relay_stages.c \
	%D%/resolve.c \
	%D%/run.c %D%/run.h \
	%D%/run_proxy.c \
	%D%/run_redirect.c \
	%D%/run_stats.c \
	%D%/server.c %D%/server.h \
	%D%/session.c %D%/session.h \
	%D%/session_bind.c \
	%D%/session_go.c \
	%D%/session_hear.c \
	%D%/session_private.h \
	%D%/session_route.c \
	%D%/session_udp.c \
	%D%/sessions.c %D%/sessions.h \
	%D%/settings.c %D%/settings.h \
	%D%/setup.c %D%/setup.h \
	%D%/status.c %D%/status.h \
	%D%/stream.c %D%/stream.h \
	%D%/tls.c %D%/tls.h \
	%D%/udp.c %D%/udp.h \
	%D%/udp_batch.c %D%/udp_batch.h \
	%D%/udp_client.c \
	%D%/udp_flow.c \
	%D%/udp_name.c \
	%D%/udp_next.c \
	%D%/udp_own.h \
	%D%/udp_remote.c \
	%D%/upstream.c %D%/upstream.h \
	%D%/users.c \
	%D%/warm.c \
	%D%/worker.c \
	%D%/functions/audit_chain.c %D%/functions/audit_chain.h \
	%D%/functions/audit_file.c %D%/functions/audit_file.h \
	%D%/functions/audit_lines.c %D%/functions/audit_lines.h \
	%D%/functions/audit_log.c %D%/functions/audit_log.h \
	%D%/functions/audit_verify.c \
	%D%/functions/exec.c \
	%D%/functions/exec_child.c %D%/functions/exec_child.h \
	%D%/functions/firewall.c \
	%D%/functions/function_settings.c %D%/functions/function_settings.h \
	%D%/functions/key_broker.c %D%/functions/key_broker.h \
	%D%/functions/key_fetch.c %D%/functions/key_fetch.h \
	%D%/functions/key_files.c %D%/functions/key_files.h \
	%D%/functions/key_lines.c %D%/functions/key_lines.h \
	%D%/functions/key_office.c %D%/functions/key_office.h \
	%D%/functions/key_store.c %D%/functions/key_store.h \
	%D%/functions/key_thread.c %D%/functions/key_thread.h \
	%D%/functions/key_visit.c %D%/functions/key_visit.h \
	%D%/functions/keyring.c %D%/functions/keyring.h \
	%D%/functions/keys.c %D%/functions/keys.h \
	%D%/functions/microsegment.c \
	%D%/functions/pace.c %D%/functions/pace.h \
	%D%/functions/rate_meter.c \
	%D%/functions/rows.h \
	%D%/functions/seal.c %D%/functions/seal.h \
	%D%/functions/seal_datagrams.c %D%/functions/seal_datagrams.h \
	%D%/functions/seal_keys.c %D%/functions/seal_keys.h \
	%D%/functions/seal_records.c %D%/functions/seal_records.h \
	%D%/functions/seal_replay.c %D%/functions/seal_replay.h \
	%D%/functions/sources.c %D%/functions/sources.h \
	%D%/counters.def
%C%_libsocksd_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(SECCOMP_CFLAGS)

bin_PROGRAMS += epic-socksd
epic_socksd_SOURCES = %D%/main.c
epic_socksd_LDADD = %D%/libsocksd.a %D%/libsockswire.a runtime/core/libcore.a \
	runtime/plan/libplanreader.a $(CBOR_LIBS) $(SOCKS_LIBS)

pkgdata_DATA = %D%/epic-socksd@.service
CLEANFILES += %D%/epic-socksd@.service
%D%/epic-socksd@.service: %D%/epic-socksd@.service.in Makefile
	$(AM_V_GEN)mkdir -p %D% && \
		sed 's|[@]bindir[@]|$(bindir)|' $(srcdir)/%D%/epic-socksd@.service.in >$@.tmp && \
		mv $@.tmp $@

EXTRA_DIST += %D%/README.md %D%/epic-socksd@.service.in
