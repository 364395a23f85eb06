# The published experiments on epic-socksd and its peers: figures, no assertions.  What they need is built for them alone.
EXTRA_PROGRAMS += %D%/delay_line %D%/proxy_client
%C%_delay_line_SOURCES = %D%/delay_line.c
%C%_proxy_client_SOURCES = %D%/proxy_client.c
CLEANFILES += %D%/delay_line %D%/proxy_client proxy-plots/*.svg
bench-proxy: epic-socksd %D%/delay_line %D%/proxy_client
	/usr/bin/python3 -B $(srcdir)/tests/bench/proxy.py $(abs_top_builddir)/%D%/proxy_client \
		$(abs_top_builddir)/%D%/delay_line $(abs_top_builddir)/epic-socksd
.PHONY: bench-proxy
EXTRA_DIST += %D%/proxy.py %D%/proxy_programs.py %D%/proxy_world.py
