#!/bin/bash
# The README's test command, pip install -e '.[test]' && pytest, on every CPython of 3.10 or newer
# that is found, each in a fresh clone; on the newest it measures coverage too. On the oldest it
# builds with the oldest Cython that pyproject.toml allows. The oldest Python gets the oldest
# wsproto, the next ones those before it changed its types; the newest the current one.
# Programs of the environment, servers for one, are started on the newest Python.
# usage: tests/every_python.sh      WORK is where the clones are made; $WORK/newest is then the one of the newest Python
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-$(mktemp -d)}

# One interpreter a version, from PATH and from pyenv.
interpreters() {
    {
        for minor in 10 11 12 13 14 15; do command -v "python3.$minor" || true; done
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python 2>/dev/null || true
        command -v python3 || true
    } | while read -r python; do
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        "$python" -c 'import sys, venv, ensurepip, sysconfig, os
assert sys.version_info >= (3, 10) and sys.implementation.name == "cpython"
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null || continue
        echo "$version $("$python" -c 'import sys; print(sys.executable)')"
    done | sort -V -u -k1,1
}

# Clients that are not Python: Node's package ws, and Chromium, which playwright-core drives.
have_node_clients() {
    command -v npm >/dev/null && npm install --silent --no-save --prefix "$work/node" ws playwright-core axe-core >/dev/null || return 1
    command -v chromium >/dev/null || { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null \
        && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } || true
}

mapfile -t found < <(interpreters)
[ ${#found[@]} -gt 0 ] || { echo "no CPython of 3.10 or newer with its headers was found"; exit 1; }
printf 'found: %s\n' "${found[@]}"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! { command -v haproxy && command -v caddy && command -v nginx; } >/dev/null; then
    # proxies that docs/howto/proxies.md has configurations for
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nginx-light haproxy caddy; } >/dev/null 2>&1 || true
fi
newest=${found[-1]%% *}
older=(1.1.0 1.2.0 1.3.1)
# What tests C or the build, and no Python code; and the longest of the others. The newest Python runs them.
once=(--ignore tests/kernels/test_c.py --ignore tests/api/test_build.py --ignore tests/libraries/test_switching.py)

try() {  # the index of one that was found
    local version=${found[$1]%% *} python=${found[$1]#* }
    git clone -q "$root" "$work/$version"
    "$python" -m venv "$work/$version/.venv"
    cd "$work/$version" && . .venv/bin/activate
    python -m pip install -q -U pip
    if [ "$1" = 0 ] && [ "$version" != "$newest" ]; then
        pip install -q -U setuptools "$(sed -n 's/^requires = .*"Cython>=\([0-9.]*\),.*/Cython==\1.0/p' pyproject.toml)"
        pip install -q --no-build-isolation -e '.[test]'
    else
        pip install -q -e '.[test]'
    fi
    if [ "$version" != "$newest" ] && [ -n "${older[$1]:-}" ]; then pip install -q "wsproto==${older[$1]}"; fi
    python -c 'import wsproto; print("wsproto", wsproto.__version__)'
    # also with other clients, and the branch coverage, which must be complete; see pyproject.toml
    if [ "$version" = "$newest" ]; then
        if have_node_clients >/dev/null 2>&1; then export NODE_PATH="$work/node/node_modules"; fi
        pip install -q 'coverage>=7.10' 'pytest-cov>=7'
        pytest -q -rs -p no:cacheprovider --cov --cov-report=term
    else  # the public workflow starts each program on each Python, and runs what is left out here
        FASTFRAME_FEWER=1 pytest -q -rs -p no:cacheprovider -m 'not programs' "${once[@]}"
    fi
}

# Two at a time, the newest, which takes longest, first; each writes to a log, which is shown when
# it has ended.
for ((i = ${#found[@]} - 1; i >= 0; i--)); do
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
    version=${found[$i]%% *}
    (
        started=$SECONDS code=0
        try "$i" >"$work/$version.log" 2>&1 &
        wait $! || code=$?  # in a process of its own, as set -e would not count before ||
        echo "$code" >"$work/$version.code"
        printf '\n=== Python %s: pip install -e ".[test]" && pytest (%d s)\n%s\n' "$version" $((SECONDS - started)) "$(cat "$work/$version.log")"
    ) &
done
wait
for each in "${found[@]}"; do
    [ "$(cat "$work/${each%% *}.code")" = 0 ] || { echo "failed with Python ${each%% *}"; exit 1; }
done
ln -sfn "$work/$newest" "$work/newest"
