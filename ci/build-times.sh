#!/usr/bin/env bash
# What a build from nothing costs, in all and by groups of crates. Needs python3 and a machine that does nothing else. Takes as
# long as a first build and a first build of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_TARGET_DIR="$(mktemp -d)"
export CARGO_TARGET_DIR CARGO_TERM_PROGRESS_WHEN=never
trap 'rm -rf "$CARGO_TARGET_DIR"' EXIT
log="$CARGO_TARGET_DIR/log"

timed() { # seconds that a command takes
  local start=$SECONDS
  "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  echo $((SECONDS - start))
}

# One line of a function's body, so that there is something to compile again; put back at once.
edited() { # file
  cp "$1" "$CARGO_TARGET_DIR/before"
  sed -i '0,/) -> .* {$/s//&\n    std::hint::black_box(file!());/' "$1"
  timed cargo build --release --locked
  cp "$CARGO_TARGET_DIR/before" "$1"
}

cargo fetch --locked
first="$(timed cargo build --release --locked --timings)"
size="$(stat -c %s "$CARGO_TARGET_DIR/release/demo")"
tests="$(timed cargo test --release --locked --no-run)"
command="$(edited src/cli/cost.rs)"
stand_in="$(edited crates/stand-in/src/services/kinesis/hash_key.rs)"

printf 'cargo build --release                                %5d s\n' "$first"
printf 'cargo test --release --no-run, after it              %5d s\n' "$tests"
printf 'cargo build --release, one function of a command     %5d s\n' "$command"
printf 'cargo build --release, one function of the stand-in  %5d s\n' "$stand_in"
printf 'target/release/demo                                  %5d MB\n\n' $((size / 1000000))

ci/build-table.py "$CARGO_TARGET_DIR/cargo-timings/cargo-timing.html"
