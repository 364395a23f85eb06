#!/bin/sh
# epic lsp and editors/vim in a real editor.
set -eu
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
epic=${EPIC:-$PWD/epic}
command -v nvim >/dev/null || { echo "neovim is not installed (Debian: neovim)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/policy.epi" <<'END'
edition 1;
use std.security { firewall };

## Holds the records.
domain north {
  default allow;
  node a { address 10.0.0.1; attributes {firewal}; }
  node b { address   10.0.0.2;  attributes {firewall}; }
}

application study {
  flow north.a => north.b;
}
END
cd "$work"
# Neither the tester's settings nor his plug-ins take part.
if ! XDG_CONFIG_HOME="$work/c" XDG_DATA_HOME="$work/d" XDG_STATE_HOME="$work/s" XDG_CACHE_HOME="$work/h" \
	EPIC="$epic" RESULT="$work/result" timeout 120 nvim --headless -n -i NONE \
	--cmd "set rtp^=$top/editors/vim" -u NONE -S "$top/tests/lsp/neovim.lua" >"$work/said" 2>&1; then
	cat "$work/said"
fi
cat "$work/result"
test "$(cat "$work/result")" = ok
