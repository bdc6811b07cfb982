#!/usr/bin/env bash
# Installs what is missing and says so first; prints nothing when there is nothing to do.
# usage: .ci/install.sh [build] [test] [witness]     exit 2: something is missing that this script cannot install
set -euo pipefail
cd "$(dirname "$0")/.."

# One truth: the workspace's own `rust-version`.
CARGO_NEEDED=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
readonly CARGO_NEEDED
readonly JUDGE_VENV="${CARGO_TARGET_DIR:-target}/judge"
# A compiler whose standard library comes as source, for .ci/witness.sh: unpacked here and never installed, since it
# must not stand before the compiler that builds everything else.
readonly WITNESS_COMPILER="${CARGO_TARGET_DIR:-target}/witness/compiler"

# Everything goes to stderr, so that `make demo ARGS=--json` keeps its standard output.
exec 1>&2

say() { echo "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

give_up() {
  say "install: $*"
  exit 2
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    give_up "needs root for: $* (there is no sudo here)"
  fi
}

# RocksDB's bindings load libclang at build time; libclang-cpp is another library.
have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  local found
  found=$({ ldconfig -p || true; find /usr/lib /usr/lib64 /usr/local/lib -maxdepth 4 -name 'libclang*' || true; } 2>/dev/null)
  grep -Eq 'libclang(-[0-9.]+)?\.so' <<<"$found"
}

# offered PACKAGE: its name, where the distribution has it. What it does not have, .ci/witness.sh skips by name.
offered() {
  local policy
  policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null) || return 0
  if [[ $policy == *"Candidate: "[0-9]* ]]; then echo "$1"; fi
}

missing_packages() {
  local goal
  for goal in "$@"; do
    case "$goal" in
      build)
        have clang || echo clang
        have_libclang || echo libclang-dev
        have g++ || echo g++
        have make || echo make
        ;;
      test)
        have objdump || echo binutils
        have python3 || echo python3 python3-venv
        ;;
      witness)
        have node || offered nodejs
        have aarch64-linux-gnu-gcc || have aarch64-linux-gnu-gcc-12 || offered gcc-aarch64-linux-gnu
        [ -e /usr/aarch64-linux-gnu/lib/libc.a ] || offered libc6-dev-arm64-cross
        have qemu-aarch64-static || have qemu-aarch64 || offered qemu-user-static
        have chromium || have chromium-browser || have google-chrome || offered chromium
        ;;
      *) give_up "unknown goal: $goal" ;;
    esac
  done
}

install_packages() {
  [ $# -gt 0 ] || return 0
  have apt-get || give_up "missing: $*. This script knows Debian and Ubuntu only; please install them yourself."
  say "installing: $*"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

is_older() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

need_cargo() {
  if ! have cargo && ! have rustup && have apt-cache && apt-cache show rustup >/dev/null 2>&1; then
    install_packages rustup
  fi
  # The distribution's rustup comes without a toolchain.
  if have rustup && ! cargo --version >/dev/null 2>&1; then
    say "installing: the stable Rust toolchain"
    rustup default stable
  fi
  have cargo || give_up "cargo is missing: install Rust $CARGO_NEEDED or newer with rustup, https://rustup.rs"
  local version
  version=$(cargo --version | cut -d ' ' -f 2)
  if is_older "$version" "$CARGO_NEEDED"; then
    give_up "cargo is $version, at least $CARGO_NEEDED is needed: run 'rustup update stable' (https://rustup.rs)"
  fi
}

has_blake3() { "$1" -c 'import blake3' >/dev/null 2>&1; }

# The independent judge in specs/judge hashes with Python's blake3. First choice is the interpreter at hand; where
# the distribution forbids that, an environment of our own; its packages are overridden only if that fails too.
need_judge() {
  has_blake3 python3 && return 0
  [ -x "$JUDGE_VENV/bin/python3" ] && has_blake3 "$JUDGE_VENV/bin/python3" && return 0
  say "installing: Python module blake3"
  python3 -m pip install --quiet blake3 2>/dev/null && return 0
  say "installing: not into $(command -v python3); into an environment in $JUDGE_VENV"
  if ! python3 -m venv "$JUDGE_VENV" >/dev/null 2>&1 && have apt-get; then
    install_packages python3-venv
    python3 -m venv --clear "$JUDGE_VENV" || true
  fi
  "$JUDGE_VENV/bin/python3" -m pip install --quiet blake3 && return 0
  python3 -m pip install --quiet --break-system-packages blake3 && return 0
  give_up "Python's blake3 could not be installed; the judge in specs/judge needs it"
}

# The compiler's packages and its own libraries', at whatever version the distribution has.
compiler_packages() {
  [ -n "$(offered rustc-web)" ] && [ -n "$(offered rust-web-src)" ] || return 0
  echo rust-web-src
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances rustc-web | grep -E '^(rustc-web|libstd-rust-web-[0-9a-z.]+|libllvm[0-9]+)$' | sort -u
}

need_compiler() {
  [ -x "$WITNESS_COMPILER/usr/bin/rustc" ] && return 0
  local packages folder
  packages=$(compiler_packages)
  [ -n "$packages" ] || return 0
  say "unpacking into $WITNESS_COMPILER:" $packages
  folder=$(mktemp -d)
  # apt's own user writes here.
  chmod 755 "$folder"
  rm -rf "$WITNESS_COMPILER" "$WITNESS_COMPILER.part"
  mkdir -p "$WITNESS_COMPILER.part"
  # shellcheck disable=SC2086
  (cd "$folder" && apt-get download -q $packages)
  for package in "$folder"/*.deb; do
    dpkg --fsys-tarfile "$package" | tar -x -C "$WITNESS_COMPILER.part" --no-wildcards-match-slash --exclude='./usr/share' \
      --exclude='./usr/src/*/compiler' --exclude='./usr/src/*/src'
  done
  rm -rf "$folder"
  mv "$WITNESS_COMPILER.part" "$WITNESS_COMPILER"
}

# What exists is only known after an update, where the package lists are empty.
update_lists() {
  have apt-get || return 0
  [ -n "$(offered base-files)" ] && return 0
  as_root apt-get update -q
}

main() {
  local packages
  case " $* " in *" witness "*) update_lists ;; esac
  packages=$(missing_packages "$@")
  # Word splitting is meant: one package name a word.
  # shellcheck disable=SC2086
  install_packages $packages
  case " $* " in *" build "*) need_cargo ;; esac
  case " $* " in *" test "*) need_judge ;; esac
  case " $* " in *" witness "*) need_compiler ;; esac
}

main "$@"
