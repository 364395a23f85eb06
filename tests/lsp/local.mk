# The language server, message by message, under random typing, and in a real editor.
TESTS += %D%/protocol_test.sh %D%/survive_test.sh %D%/neovim_test.sh tests/lint/editors_test.sh
EXTRA_DIST += %D%/README.md %D%/client.py %D%/protocol_test.py %D%/protocol_test.sh %D%/survive_test.py \
	%D%/survive_test.sh %D%/neovim.lua %D%/neovim_test.sh tests/lint/editors.py tests/lint/editors_test.sh \
	tests/bench/lsp.py

# Figures, no assertions.
bench-lsp: epic
	/usr/bin/python3 -B $(srcdir)/tests/bench/lsp.py $(abs_top_builddir)/epic
.PHONY: bench-lsp
