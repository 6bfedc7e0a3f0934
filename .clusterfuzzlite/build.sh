#!/bin/bash -eu
# Every target of tests/fuzz, for ClusterFuzzLite and OSS-Fuzz: their images set CC, CFLAGS and what to link with.
cd "$SRC/fastframe"
mkdir -p objects
for source in src_c/*.c; do
    # shellcheck disable=SC2086 # the flags are several words
    $CC $CFLAGS -std=gnu11 -Isrc_c -c "$source" -o "objects/$(basename "$source").o"
done
for path in tests/fuzz/of_c/*.c; do
    target=$(basename "$path" .c)
    [ "$target" = replay ] && continue
    # shellcheck disable=SC2086
    $CC $CFLAGS -std=gnu11 -Isrc_c -c "$path" -o "$target.o"
    # shellcheck disable=SC2086
    $CXX $CXXFLAGS $LIB_FUZZING_ENGINE "$target.o" objects/*.o -o "$OUT/$target"
done

pip3 install '.[test]' # with CFLAGS, so that the extension modules have coverage and sanitizers
for path in tests/fuzz/of_python/*.py; do
    target=$(basename "$path" .py)
    [ "$target" = __init__ ] && continue
    printf 'import sys\nsys.argv.insert(1, "%s")\nfrom tests.fuzz.run import main\nmain()\n' "$target" >"$target.py"
    compile_python_fuzzer "$target.py" --hidden-import "tests.fuzz.of_python.$target" --paths .
done

for corpus in tests/fuzz/corpus/*.zip; do
    cp "$corpus" "$OUT/$(basename "$corpus" .zip)_seed_corpus.zip"
done
