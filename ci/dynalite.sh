#!/usr/bin/env bash
# The way into DynamoDB and back with dynalite, a DynamoDB by others, in place of the embedded one: the function's
# writes, the read of one item, and the scan that verification makes. Needs npm.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/kinesis-demo"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}" CARGO_TERM_PROGRESS_WHEN=never

npm install --prefix "$cache/npm" --no-fund --no-audit --silent dynalite@4
export PATH="$cache/npm/node_modules/.bin:$PATH"
cargo test --release --locked --test it function::dynalite -- --ignored
