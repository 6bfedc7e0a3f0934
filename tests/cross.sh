#!/bin/sh
# The C tests, built by a cross compiler and run under emulation.
# usage: tests/cross.sh COMPILER EMULATOR [ROUNDS]
set -eu
compiler=$1 emulator=$2 rounds=${3:-2000}
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for test in header close encode kernels; do
    "$compiler" -std=gnu11 -O2 -static -I "$root/src_c" -o "$folder/$test" "$root/tests/c/test_$test.c" "$root"/src_c/*.c
    "$emulator" "$folder/$test" "$rounds"
done
