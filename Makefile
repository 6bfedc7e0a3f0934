# One verb per task. PYTHON chooses the interpreter; everything else is installed by `make setup`.
PYTHON ?= python3
CC ?= cc
BUILD = build

.PHONY: help setup build test lint types coverage coverage-native sanitize cross emulate differential autobahn servers \
    bench bench-codec bench-kernels bench-servers package clean

help: ## Show the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

setup: ## Install fastframe, editable, and all tools of a developer
	$(PYTHON) -m pip install -U 'pip>=25.1'
	$(PYTHON) -m pip install -e '.[test,bench]' --group dev

build: ## Rebuild the extension modules in place
	$(PYTHON) setup.py build_ext --inplace

test: ## Run the tests
	$(PYTHON) -m pytest

lint: ## Check style
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: ## Check the types, and the stubs against the modules
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy.stubtest --allowlist tests/stubtest-allowlist.txt fastframe

coverage: ## Branch coverage of the Python files: 100 %
	$(PYTHON) -m pytest -q --cov --cov-report=term

coverage-native: ## Line coverage of the Cython files and of the C files
	rm -rf $(BUILD)/coverage && mkdir -p $(BUILD)/coverage/c
	git ls-files | tar -c -T - | tar -x -C $(BUILD)/coverage
	cd $(BUILD)/coverage && FASTFRAME_COVERAGE=1 $(PYTHON) setup.py -q build_ext --inplace
	cd $(BUILD)/coverage && PYTHONPATH=. $(PYTHON) -m pytest -q -p no:cacheprovider -m 'not compiles and not downloads' \
	    --cov --cov-config=tests/coverage-cython.ini --cov-report=term
	for test in header close kernels; do \
	    (cd $(BUILD)/coverage/c && $(CC) -std=gnu11 -O0 --coverage -I../src_c -o $$test ../tests/c/test_$$test.c ../src_c/*.c \
	    && ./$$test) || exit 1; done
	cd $(BUILD)/coverage/c && gcov -n *.gcda 2>/dev/null | grep -A1 "File '../src_c" | grep -v '^--'

sanitize: ## Run the tests on extension modules built with AddressSanitizer and UndefinedBehaviorSanitizer
	tests/sanitize.sh $(PYTHON)

cross: ## Run the C tests on s390x (big-endian) and aarch64, under qemu-user
	tests/cross.sh s390x-linux-gnu-gcc qemu-s390x-static
	tests/cross.sh aarch64-linux-gnu-gcc qemu-aarch64-static

emulate: ## Run the C tests on emulated x86 processors that have less than this one
	tests/emulate.sh

differential: ## Compare ten million frames with wsproto's (half an hour)
	$(PYTHON) -m fastframe verify --frames 10_000_000

autobahn: ## Run the Autobahn TestSuite in both directions (forty minutes; needs python2.7), and rewrite docs/autobahn.md
	$(PYTHON) -m tests.autobahn --summary docs/autobahn.md

servers: build ## All about servers: their tests, real clients, the Autobahn TestSuite, and what they gain (an hour)
	$(PYTHON) -m pytest tests/servers
	$(MAKE) autobahn bench-servers

bench: bench-codec bench-kernels bench-servers ## Measure everything; rewrite the tables in README.md and docs/, and the plots

bench-codec: build ## Measure the codec against wsproto and others
	mkdir -p $(BUILD)
	$(PYTHON) -m benchmarks.contenders.build
	$(PYTHON) -m pytest -q benchmarks/measure/bench_wsproto.py --benchmark-json=$(BUILD)/wsproto.json
	$(PYTHON) -m benchmarks.report.results $(BUILD)/wsproto.json benchmarks/results/wsproto.json
	$(PYTHON) -m pytest -q benchmarks/measure/bench_codec.py --benchmark-json=$(BUILD)/codec.json
	$(PYTHON) -m benchmarks.report.results $(BUILD)/codec.json benchmarks/results/codec.json
	$(PYTHON) -m pytest -q benchmarks/measure/bench_deflate.py --benchmark-json=$(BUILD)/deflate.json
	$(PYTHON) -m benchmarks.report.results $(BUILD)/deflate.json benchmarks/results/deflate.json
	$(PYTHON) -m benchmarks.report.tables

bench-kernels: build ## Measure the kernels by themselves, and plot them
	mkdir -p $(BUILD)
	$(PYTHON) -m benchmarks.contenders.build
	$(PYTHON) -m pytest -q benchmarks/measure/bench_kernels.py --benchmark-max-time=0.1 --benchmark-columns=median,iqr,rounds \
	    --benchmark-json=$(BUILD)/kernels.json
	$(PYTHON) -m benchmarks.report.results $(BUILD)/kernels.json benchmarks/results/kernels.json
	$(PYTHON) -m benchmarks.report.plot benchmarks/results/kernels.json docs/plots
	$(PYTHON) -m benchmarks.report.tables

bench-servers: build ## Measure the CPU time of servers for each message
	$(PYTHON) -m benchmarks.measure.end_to_end benchmarks/results/end_to_end.json
	$(PYTHON) -m benchmarks.report.tables

package: ## Build the sdist and the wheel into dist/, and check them
	$(PYTHON) -m build
	$(PYTHON) -m twine check --strict dist/*
	$(PYTHON) -m check_wheel_contents dist/*.whl

clean: ## Remove what was built
	rm -rf build dist *.egg-info fastframe/*.c fastframe/*.so .coverage*
