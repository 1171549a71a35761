#!/usr/bin/env bash
# Memory under load: 20 shards, 2,000 full documents a second for 2 minutes on the stand-in. Prints the resident memory
# of the load and of the stand-in at 30 s and at 120 s, their ratio, and what the run came to.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked
demo="${CARGO_TARGET_DIR:-target}/release/demo"
KINESIS_DEMO_HOME="$(mktemp -d)"
export KINESIS_DEMO_HOME
trap '"$demo" local stop; rm -rf "$KINESIS_DEMO_HOME"' EXIT

"$demo" local start
stand_in="$("$demo" local status --json | sed 's/.*"pid":\([0-9]*\).*/\1/')"
"$demo" run stacks/store-sales-s3.yaml --set load.duration=125s --rm --json --quiet >"$KINESIS_DEMO_HOME/report.json" &
load=$!
resident() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }
offered() { cat "$KINESIS_DEMO_HOME"/runs/*/*.acks 2>/dev/null | wc -l; }
until [ "$(offered)" -gt 1 ]; do sleep 0.1; done
sleep 30
load_30="$(resident "$load")" stand_in_30="$(resident "$stand_in")"
sleep 90
load_120="$(resident "$load")" stand_in_120="$(resident "$stand_in")"
wait "$load"
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", b / a}'; }
printf 'resident KiB      30 s    120 s   ratio\n'
printf 'load         %9d %8d   %s\n' "$load_30" "$load_120" "$(ratio "$load_30" "$load_120")"
printf 'stand-in     %9d %8d   %s\n' "$stand_in_30" "$stand_in_120" "$(ratio "$stand_in_30" "$stand_in_120")"
cat "$KINESIS_DEMO_HOME/report.json"
