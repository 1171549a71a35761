#!/usr/bin/env bash
# Runs every stack of stacks/ on the stand-in, from nothing to nothing: each must lose no record in any of its
# destinations and leave no resource behind. Arguments go to every run, for example --set load.duration=5s, but to those of
# stacks with stages, which have a length of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --locked --bins
demo="${CARGO_TARGET_DIR:-target}/release/demo"
KINESIS_DEMO_HOME="$(mktemp -d)"
export KINESIS_DEMO_HOME
trap '"$demo" local stop >/dev/null 2>&1 || true; rm -rf "$KINESIS_DEMO_HOME"' EXIT

failed=()
for stack in stacks/*.yaml; do
  printf '\n== %s (%s)\n' "$stack" "$(date +%T)"
  result="$KINESIS_DEMO_HOME/result.json"
  arguments=("$@")
  if grep -q '^  stages:' "$stack"; then arguments=(); fi
  if "$demo" run "$stack" --rm --json "${arguments[@]}" >"$result" && grep -q '"lost":0,' "$result" && grep -q '"leftovers":0,' "$result"; then
    cat "$result"
  else
    echo "FAILED: $stack"
    cat "$result"
    failed+=("$stack")
  fi
done

printf '\n'
if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
echo "every stack: lost 0, leftovers 0"
