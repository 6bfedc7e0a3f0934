#!/bin/sh
# The Python tests on extension modules that are built with AddressSanitizer and
# UndefinedBehaviorSanitizer.
# usage: tests/sanitize.sh [PYTHON]
set -eu
python=${1:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git ls-files | tar -c -T - | tar -x -C "$folder"
cd "$folder"
FASTFRAME_SANITIZE=address,undefined "$python" setup.py -q build_ext --inplace
# The interpreter itself is not instrumented, so the run-time library comes first, and leaks are not
# looked for: an interpreter keeps objects to its end.
LD_PRELOAD="$(${CC:-gcc} -print-file-name=libasan.so) $(${CC:-gcc} -print-file-name=libstdc++.so.6)" \
ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 PYTHONMALLOC=malloc PYTHONPATH=. FASTFRAME_FEWER=1 \
    "$python" -m pytest -q -n 2 -p no:cacheprovider -m 'not compiles and not downloads and not programs' \
    --ignore tests/libraries/test_switching.py --ignore tests/chat tests  # which run no other code than the rest
