#!/bin/sh
# rustdoc of the stable toolchain with unstable options: its JSON, for public-api.sh.
# Only rustdoc gets RUSTC_BOOTSTRAP: build scripts that see it make other choices, and everything would be built again.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
