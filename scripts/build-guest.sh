#!/bin/sh
# Rebuilds everything under guest/ that is committed as a binary. The same compilers give the same bytes.
#
#   scripts/build-guest.sh [--out DIR] [oracle|bench|user|bare ...]
#
# --out DIR writes the tree below DIR instead, to compare with what is committed. A missing tool skips its part with
# one line on stderr and does not fail the rest.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/guest
if [ "${1:-}" = --out ]; then
  out=$2
  shift 2
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
fi
[ $# -gt 0 ] || set -- oracle bench user bare

# No time stamps, no build paths, no build ids, and the same decimal point everywhere.
export LC_ALL=C SOURCE_DATE_EPOCH=0
common='-Wl,--build-id=none -s'
warn='-Wall -Wextra'

has() {
  command -v "$1" >/dev/null 2>&1 && return
  echo "build-guest: no $1, skipping $2" >&2
  return 1
}

# build TOOL SUBJECT SOURCE OUTPUT FLAGS...: compiles one C file from the source's own folder.
build() {
  tool=$1 folder=$root/guest/$(dirname "$2") source=$(basename "$2") target=$out/$3
  shift 3
  mkdir -p "$(dirname "$target")"
  (cd "$folder" && "$tool" $warn "$@" -o "$target" "$source" $common $libs)
}

# The helper process of src/oracle: at an address no case can guess, free of libc, thread-local storage and unwind tables.
oracle() {
  has gcc 'guest/oracle' || return 0
  libs=
  build gcc oracle/oracle.c oracle/oracle -O2 -std=gnu11 -ffreestanding -fpie -fno-stack-protector \
    -fcf-protection=none -fno-asynchronous-unwind-tables -mno-red-zone -nostdlib -static -no-pie \
    -Wl,-Ttext-segment=0x5a5a00000000 -Wl,-z,noexecstack -Wl,-z,norelro
}

for part in "$@"; do
  case $part in
    oracle | bench | user | bare) $part ;;
    *)
      echo "build-guest: no part called $part; there are oracle, bench, user, bare" >&2
      exit 2
      ;;
  esac
done
