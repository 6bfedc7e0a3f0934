#!/bin/sh
# The wheel, built twice in folders whose names differ in length, at the time of the last commit.
# usage: tests/reproducible.sh [PYTHON]
set -eu
python=${1:-python3}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for name in first the-second-one; do
    mkdir "$folder/$name"
    git ls-files | tar -c -T - | tar -x -C "$folder/$name"
    "$python" -m build --wheel --outdir "$folder/$name/dist" "$folder/$name" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
done
sha256sum "$folder"/*/dist/*.whl | sed "s|$folder/||"
cmp "$folder"/first/dist/*.whl "$folder"/the-second-one/dist/*.whl && echo "byte for byte the same"
