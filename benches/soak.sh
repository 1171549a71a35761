#!/usr/bin/env bash
# Memory under load: 20 shards, 2,000 full documents a second for 2 minutes on the stand-in. Prints the resident memory
# of the load and of the stand-in at 30 s and at 120 s (the median of eleven looks, a second apart, since a delivery's buffer
# fills and empties), their ratio, and what the run came to.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked
demo="${CARGO_TARGET_DIR:-target}/release/demo"
KINESIS_DEMO_HOME="$(mktemp -d)"
export KINESIS_DEMO_HOME
trap '"$demo" local stop; rm -rf "$KINESIS_DEMO_HOME"' EXIT

"$demo" local start
stand_in="$("$demo" local status --json | sed 's/.*"pid":\([0-9]*\).*/\1/')"
"$demo" run stacks/store-sales-s3.yaml --set load.duration=128s --rm --json --quiet >"$KINESIS_DEMO_HOME/report.json" &
load=$!
resident() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }
look() { # into the file $1, eleven times: the load's and the stand-in's
  for _ in $(seq 11); do
    echo "$(resident "$load") $(resident "$stand_in")"
    sleep 1
  done >"$1"
}
median() { cut -d' ' -f"$2" "$1" | sort -n | sed -n 6p; }
offered() { cat "$KINESIS_DEMO_HOME"/runs/*/*.acks 2>/dev/null | wc -l; }
until [ "$(offered)" -gt 1 ]; do sleep 0.1; done
sleep 25
look "$KINESIS_DEMO_HOME/at-30"
sleep 79
look "$KINESIS_DEMO_HOME/at-120"
wait "$load"
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", b / a}'; }
printf 'resident KiB      30 s    120 s   ratio\n'
row() {
  local early late
  early="$(median "$KINESIS_DEMO_HOME/at-30" "$2")" late="$(median "$KINESIS_DEMO_HOME/at-120" "$2")"
  printf '%-12s %9d %8d   %s\n' "$1" "$early" "$late" "$(ratio "$early" "$late")"
}
row load 1
row stand-in 2
cat "$KINESIS_DEMO_HOME/report.json"
