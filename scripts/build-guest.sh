#!/bin/sh
# Rebuilds everything under guest/ that is committed as a binary. The same compilers give the same bytes.
#
#   scripts/build-guest.sh [--out DIR] [oracle|bench|user|bare|kernel|vdso ...]
#
#   scripts/build-guest.sh versions        prints the tools, as guest/versions.txt records those of the committed files
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
[ $# -gt 0 ] || set -- oracle bench user bare kernel vdso

# No time stamps, no build paths, no build ids, and the same decimal point everywhere.
export LC_ALL=C SOURCE_DATE_EPOCH=0
common=-Wl,--build-id=none
strip=-s
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
  (cd "$folder" && "$tool" $warn "$@" -o "$target" "$source" $common $strip $libs)
}

# The helper process of src/oracle: at an address no case can guess, free of libc, thread-local storage and unwind tables.
oracle() {
  has gcc 'guest/oracle' || return 0
  libs=
  build gcc oracle/oracle.c oracle/oracle -O2 -std=gnu11 -ffreestanding -fpie -fno-stack-protector \
    -fcf-protection=none -fno-asynchronous-unwind-tables -mno-red-zone -nostdlib -static -no-pie \
    -Wl,-Ttext-segment=0x5a5a00000000 -Wl,-z,noexecstack -Wl,-z,norelro
  has musl-gcc 'guest/oracle/steps' || return 0
  build musl-gcc oracle/steps.c oracle/steps -O2 -static
  build musl-gcc oracle/exceptions.c oracle/exceptions -O2 -static
}

# Programs that print one checksum; glibc where the C library is part of the work.
bench() {
  for source in "$root"/guest/bench/*.c; do
    name=$(basename "$source" .c)
    case $name in
      memstr | structmix) program bench "$name" gcc "$name" ;;
      *) program bench "$name" musl-gcc "$name" ;;
    esac
  done
}

# Small programs: all with musl, one of them with its symbols and frame pointers, some also with glibc, one in Rust.
user() {
  for source in "$root"/guest/user/*.c; do
    name=$(basename "$source" .c)
    case $name in
      rounds)
        strip=
        program user rounds musl-gcc rounds -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-tree-vectorize
        strip=-s
        ;;
      percpu)
        strip=
        program user percpu gcc percpu -pthread -Wno-missing-field-initializers
        strip=-s
        ;;
      tiles) program user tiles musl-gcc tiles -mamx-tile -mamx-int8 -mamx-bf16 ;;
      *) program user "$name" musl-gcc "$name" ;;
    esac
    case $name in
      hello | floats | strings | regex) program user "$name" gcc "$name-glibc" ;;
    esac
  done
  has go 'guest/user/goroutines' &&
    (cd "$root/guest/user" && GO111MODULE=off CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -buildid=' \
      -o "$out/user/goroutines" goroutines.go)
  has rustc 'guest/user/rust' || return 0
  mkdir -p "$out/user"
  (cd "$root/guest/user" && rustc --edition 2021 -C opt-level=2 -C codegen-units=1 -C strip=symbols \
    -C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,--build-id=none \
    --remap-path-prefix "$root=." -o "$out/user/rust" rust.rs)
}

# program FOLDER NAME TOOL OUTPUT FLAGS...
program() {
  has "$3" "guest/$1/$4" || return 0
  tool=$3 source=$1/$2.c output=$1/$4
  shift 4
  libs=-lm
  build "$tool" "$source" "$output" -O2 -march=x86-64 -static -no-pie -Wno-infinite-recursion "$@"
}

# Flat code without a header.
bare() {
  has nasm 'guest/bare' || return 0
  mkdir -p "$out/bare"
  for source in "$root"/guest/bare/*.asm; do
    nasm -f bin -o "$out/bare/$(basename "$source" .asm).bin" "$source"
  done
}

# Kernels: flat code with a multiboot header, and the one in C.
kernel() {
  has nasm 'guest/kernel' || return 0
  mkdir -p "$out/kernel"
  for source in "$root"/guest/kernel/*.asm; do
    nasm -f bin -I "$root/guest/kernel/" -o "$out/kernel/$(basename "$source" .asm).bin" "$source"
  done
  nasm -f bin -I "$root/guest/kernel/" -D CACHED -o "$out/kernel/untag_cached.bin" "$root/guest/kernel/untag.asm"
  nasm -f bin -I "$root/guest/kernel/" -D STONE -D TWICE -o "$out/kernel/untag_stone.bin" "$root/guest/kernel/untag.asm"
  nasm -f bin -I "$root/guest/kernel/" -D BATCHED -o "$out/kernel/rseq_batched.bin" "$root/guest/kernel/rseq_notify.asm"
  nasm -f bin -I "$root/guest/kernel/" -D TWICE -o "$out/kernel/untag_twice.bin" "$root/guest/kernel/untag.asm"
  nasm -f bin -I "$root/guest/kernel/" -D ROUNDS=100 -D WORK=1000000 -o "$out/kernel/work.bin" "$root/guest/kernel/smp.asm"
  has gcc 'guest/kernel/kernel.elf' || return 0
  (cd "$root/guest/kernel/src" && gcc $warn -O2 -std=gnu11 -ffreestanding -fno-pic -no-pie -mcmodel=kernel -mno-red-zone \
    -mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing \
    -nostdlib -static $common -Wl,-z,max-page-size=0x1000 -Wl,--no-warn-rwx-segments -T kernel.lds \
    -o "$out/kernel/kernel.elf" *.S *.c)
}

# The image that programs find by AT_SYSINFO_EHDR; scripts/embed-vdso.js puts it into the sources.
vdso() {
  has gcc 'guest/vdso' || return 0
  mkdir -p "$out/vdso"
  (cd "$root/guest/vdso" && gcc $warn -O2 -fPIC -fno-stack-protector -fcf-protection=none -fasynchronous-unwind-tables -shared \
    -nostdlib -Wl,-T,vdso.lds -Wl,--hash-style=both -Wl,-soname,linux-vdso.so.1 -Wl,-Bsymbolic $common -Wl,--eh-frame-hdr \
    -Wl,-z,max-page-size=4096 -Wl,--no-undefined -s -o "$out/vdso/vdso.so" vdso.c)
  chmod 644 "$out/vdso/vdso.so"
}

versions() {
  echo "gcc: $(gcc --version | head -n 1)"
  echo "ld: $(ld --version | head -n 1)"
  echo "glibc: $(ldd --version | head -n 1)"
  echo "musl: $(/lib/ld-musl-x86_64.so.1 2>&1 | sed -n 2p)"
  echo "nasm: $(nasm -v)"
  echo "rustc: $(rustc --version)"
} 2>/dev/null

for part in "$@"; do
  case $part in
    oracle | bench | user | bare | kernel | vdso | versions) $part ;;
    *)
      echo "build-guest: no part called $part; there are oracle, bench, user, bare, kernel, vdso" >&2
      exit 2
      ;;
  esac
done
