#!/usr/bin/env bash
# Runs the independent judge's own test: Python that shares no code with the Rust crates.
set -euo pipefail

readonly TEST=specs/judge/test_judge.py

if [ ! -e "$TEST" ]; then
  echo "skipped: the judge's own test ($TEST does not exist)"
  exit 0
fi

python=python3
own="${CARGO_TARGET_DIR:-target}/judge/bin/python3"
if [ -x "$own" ]; then
  python=$own
fi
exec "$python" "$TEST"
