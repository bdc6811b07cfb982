#!/usr/bin/env bash
# The same bits on other machines: builds the engine for WebAssembly (with and without simd128) and for aarch64, and
# runs every published vector of an op and the golden steps there: in node, in a browser, and under qemu, where the
# machine's operations are compared with the referee's integers too.
# usage: .ci/witness.sh     exit 1: a witness differs or does not build; a "skipped:" line: a package does not exist here
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:$HOME/.cargo/bin"
.ci/install.sh witness

TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")/witness
readonly TARGET
readonly COMPILER=$TARGET/compiler
readonly VECTORS=specs/vectors/ops.json
readonly LOG=$TARGET/build.log

have() { command -v "$1" >/dev/null 2>&1; }
# first NAME...: the first of these programs that exists.
first() {
  local name
  for name in "$@"; do
    if have "$name"; then command -v "$name" && return 0; fi
  done
}

missing=0
skip() {
  echo "skipped: witness $1: $2"
  missing=$((missing + 1))
}

if [ ! -x "$COMPILER/usr/bin/rustc" ]; then
  skip "wasm, wasm-simd128, browser, aarch64" "the distribution has no rustc-web and rust-web-src"
  exit 0
fi
linker=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld
libraries=$(dirname "$(find "$COMPILER/usr/lib" -name 'libLLVM*.so*' -print -quit)")
node=$(first node)
qemu=$(first qemu-aarch64-static qemu-aarch64)
cross=$(first aarch64-linux-gnu-gcc aarch64-linux-gnu-gcc-12)
browser=$(first chromium chromium-browser google-chrome)

# build NAME MACHINE FLAGS MADE ARGUMENTS...: the standard library from its sources, then the witness; NAME is MADE's copy.
build() {
  local name=$1 machine=$2 flags=$3 made=$4
  shift 4
  # A panic's text would reach nobody in a browser; without it the programs are a third smaller.
  if ! env RUSTC="$COMPILER/usr/bin/rustc" RUSTC_BOOTSTRAP=1 LD_LIBRARY_PATH="$libraries" \
    CARGO_TARGET_DIR="$TARGET/build" CARGO_INCREMENTAL=0 RUSTFLAGS="-Zunstable-options -Cpanic=immediate-abort $flags" \
    cargo rustc --manifest-path model/witness/Cargo.toml --locked --release --target "$machine" \
    -Zbuild-std=std -Zbuild-std-features= "$@" >"$LOG" 2>&1; then
    cat "$LOG"
    echo "witness $name: does not build"
    exit 1
  fi
  cp "$TARGET/build/$machine/release/$made" "$TARGET/$name"
}

# witness NAME FILE COMMAND...: one line with the verdict, after what the command printed where it failed.
witness() {
  local name=$1 file=$2 start=$EPOCHREALTIME lines status=0
  shift 2
  lines=$("$@") || status=$?
  local took=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000))
  if [ "$status" != 0 ]; then
    echo "$lines"
    echo "witness $name: DIFFERENT (exit $status)"
    exit 1
  fi
  local referee
  referee=$(awk '$1 == "referee" { n += $2 } END { if (n) print n " comparisons with the referee, " }' <<<"$lines")
  echo "witness $name: same bits, $(grep -c -E '^[a-z]+ [0-9a-f]{64}' <<<"$lines") golden steps," \
    "$(sed -n 's/^vectors //p' <<<"$lines") vectors, $referee$took ms, $(stat -c %s "$file") bytes," \
    "$(gzip -9 <"$file" | wc -c) compressed"
}

mkdir -p "$TARGET"
for name in wasm wasm-simd128; do
  [ -n "$node" ] || { skip "$name" "there is no nodejs" && continue; }
  flags="-Clinker=$linker -Clinker-flavor=wasm-ld"
  [ "$name" = wasm ] || flags+=" -Ctarget-feature=+simd128"
  file=$TARGET/$name.wasm
  build "$name.wasm" wasm32-unknown-unknown "$flags" retrace_witness.wasm --lib --crate-type cdylib
  witness "$name" "$file" "$node" model/witness/run.mjs "$file" "$VECTORS"
  if [ -z "$browser" ]; then
    skip "$name in a browser" "there is no chromium"
  else
    witness "$name in $(basename "$browser")" "$file" "$node" model/witness/browse.mjs "$file" "$browser"
  fi
done
if [ -z "$qemu" ] || [ -z "$cross" ]; then
  skip aarch64 "there is no qemu-user-static or gcc-aarch64-linux-gnu"
else
  flags="-Clinker=$cross -Ctarget-feature=+crt-static"
  build aarch64 aarch64-unknown-linux-gnu "$flags" retrace-witness --bin retrace-witness
  witness aarch64 "$TARGET/aarch64" "$qemu" "$TARGET/aarch64" "$VECTORS"
fi
echo "witnesses: $([ "$missing" = 0 ] && echo all of them || echo "$missing skipped"), $SECONDS s"
