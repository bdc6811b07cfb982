#!/usr/bin/env bash
# Runs the measurements of the crates that have one, optimized. usage: .ci/bench.sh [ARGUMENTS]
set -euo pipefail

for crate in model verifier; do
  if [ -e "$crate/examples/bench.rs" ]; then
    cargo run --release --locked -p "retrace-$crate" --example bench -- "$@"
  else
    echo "skipped: $crate has no examples/bench.rs"
  fi
done
