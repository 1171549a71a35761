#!/usr/bin/env bash
# Builds the other producers and runs our own against each, with the sink and in the form of `cargo bench --bench producer`.
#
#   crates/producer/benches/peers/run.sh                     every row with a peer
#   crates/producer/benches/peers/run.sh kpl-1k boto3        some of them
#   crates/producer/benches/peers/run.sh --rounds 11         7 by default
#
# Needs python3 with venv, a JDK of 17 or newer with mvn, go, taskset. What cannot be built or fetched is said in its
# row of the table, with why; the other rows run. Everything is put into target/peers (BENCH_PEERS for elsewhere).
set -euo pipefail
cd "$(dirname "$0")/../../../.."
sources=$PWD/crates/producer/benches/peers
export BENCH_PEERS=${BENCH_PEERS:-$PWD/target/peers}
trap 'trap - EXIT; jobs -p | xargs -r kill' EXIT

# build NAME: what its function prints last is why it cannot run.
build() {
  local name=$1 folder=$BENCH_PEERS/$1
  mkdir -p "$folder"
  rm -f "$folder/run" "$folder/unreachable"
  if (set -e; "build_$name" "$folder") >"$folder/build.log" 2>&1; then
    printf '%s: %s\n' "$name" "$(versions_"$name" "$folder")"
  else
    rm -f "$folder/run"
    { printf 'cannot be built: '; grep -v '^ *$' "$folder/build.log" | tail -n 2 | sed 's,https*://[^ ]*,,g' | tr -s '\n\t| ' ' ' | cut -c 1-240; } >"$folder/unreachable"
    printf '%s: %s\n' "$name" "$(cat "$folder/unreachable")"
  fi
}

# launcher FOLDER COMMAND…: what the bench starts.
launcher() {
  local folder=$1
  shift
  printf '#!/bin/sh\nBENCH_PEER_FOLDER=%q exec %s\n' "$folder" "$*" >"$folder/run"
  chmod +x "$folder/run"
}

python_peer() {
  python3 -m venv "$2/venv" || return
  "$2/venv/bin/pip" install --quiet --disable-pip-version-check -r "$sources/$1/requirements.txt" || return
  launcher "$2" "$2/venv/bin/python" "$sources/$1/run.py"
}

python_versions() {
  "$1/venv/bin/python" --version
  "$1/venv/bin/pip" freeze --disable-pip-version-check
}

build_boto3() { python_peer boto3 "$1"; }
versions_boto3() { python_versions "$1" | grep -iE '^(python|boto)' | tr '\n' ' '; }

build_aiokpl() { python_peer aiokpl "$1"; }
versions_aiokpl() { python_versions "$1" | grep -iE '^(python|aiokpl|aiobotocore|botocore)' | tr '\n' ' '; }

build_kpl() {
  mvn --quiet --batch-mode -f "$sources/kpl/pom.xml" "-Dbuild.folder=$1/target" compile dependency:copy-dependencies \
    "-DoutputDirectory=$1/lib" || return
  launcher "$1" java -cp "'$1/target/classes:$1/lib/*'" Run
}
versions_kpl() { { basename -a "$1"/lib/amazon-kinesis-producer-*.jar && java -version 2>&1 | head -n 1; } | tr '\n' ' '; }

build_a8m() {
  cp "$sources"/a8m/* "$1" || return
  cd "$1" || return
  go get github.com/a8m/kinesis-producer@latest github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/service/kinesis || return
  go build -o a8m . || return
  launcher "$1" "$1/a8m"
}
versions_a8m() { (cd "$1" && go list -m github.com/a8m/kinesis-producer github.com/aws/aws-sdk-go-v2/service/kinesis && go version) | tr '\n' ' '; }

for peer in boto3 kpl a8m aiokpl; do
  build "$peer"
done
rows=("$@")
case " ${*:-}" in
*" boto3"* | *" kpl"* | *" a8m"* | *" aiokpl"*) ;;
*) rows+=(boto3 kpl-200 kpl-1k a8m-200 a8m-1k aiokpl-200 aiokpl-1k) ;;
esac
# Every part of the crate as fast as its callers would build it.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=3
cargo bench --locked --bench producer -- "${rows[@]}"
