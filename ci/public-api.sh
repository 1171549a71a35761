#!/usr/bin/env bash
# Compares the libraries' public APIs with the listings that were reviewed, crates/*/public-api.txt, and fails where they
# differ. `ci/public-api.sh --write` writes the listings anew.
set -euo pipefail
cd "$(dirname "$0")/.."

target="$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')"
cargo build --quiet --locked --manifest-path ci/public-api/Cargo.toml --target-dir "$target/public-api"

status=0
for folder in producer aggregation; do
  package="kinesis-$folder" kept="crates/$folder/public-api.txt"
  RUSTDOC="$PWD/ci/rustdoc-unstable.sh" cargo rustdoc --quiet --locked --package "$package" --lib -- \
    -Z unstable-options --output-format json
  found="$("$target/public-api/debug/public-api-listing" "$target/doc/${package//-/_}.json")"
  if [ "${1:-}" = --write ]; then
    printf '%s\n' "$found" >"$kept"
  elif ! diff --unified=0 "$kept" <(printf '%s\n' "$found"); then
    echo "the public API of $package has changed; write the listing with: ci/public-api.sh --write" >&2
    status=1
  fi
done
exit "$status"
