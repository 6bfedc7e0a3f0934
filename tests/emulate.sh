#!/bin/sh
# The C tests on emulated x86 processors: each must run just the kernels that it can, however the
# compiler was called.
# usage: tests/emulate.sh [ROUNDS]
set -eu
rounds=${1:-2000}
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for test in encode kernels; do
    ${CC:-cc} -std=gnu11 -O2 -static -I "$root/src_c" -o "$folder/$test" "$root/tests/c/test_$test.c" "$root"/src_c/*.c
done
check() {
    cpu=$1
    shift
    for test in encode kernels; do
        found=$(qemu-x86_64-static -cpu "$cpu" "$folder/$test" "$rounds" | sed -n 's/^kernels: \([a-z0-9]*\)$/\1/p' | tr '\n' ' ')
        echo "$cpu, $test: $found"
        [ "$found" = "$* " ] || { echo "expected: $*"; exit 1; }
    done
}
check qemu64,-sse4.1,-ssse3 portable
check Nehalem sse41 portable
check Haswell avx2 sse41 portable
check Haswell,-xsave sse41 portable # the operating system does not save the wide registers
