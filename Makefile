# Everything a developer or CI calls. Each target prepares what it needs and rebuilds only what changed.
PYTHON ?= python3
VENV := .venv
PROGRAMS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := $(VENV)/$(PROGRAMS)
RUST := Cargo.toml Cargo.lock $(shell find rust/core rust/bindings -name '*.rs' -o -name 'Cargo.toml')

# A free-threaded interpreter of this machine.
FREE_THREADED ?= python3.14t
FREE := target/free-threaded

# So many tests at once, however many processors there are: it is what the tests are known to bear.
JOBS ?= 2
# Files are shared out, not tests: what a file's tests share is made once.
SHARED_OUT := -n $(JOBS) --dist loadfile --no-loadscope-reorder
# What ARGS choose may all be of one kind; then the other has none, and pytest exits with 5.
OR_NONE := $(if $(ARGS),|| test $$? -eq 5)

MODELS := cargo test --quiet --locked --release -p codex-core --features shuttle --test models

# A measurement has a deadline of its own.
BENCH := -q --timeout=0 --benchmark-columns=median,iqr,rounds

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.DEFAULT_GOAL := help
# A crate of its own, with its own lock file.
FUZZ := --manifest-path rust/fuzz/Cargo.toml
FUZZ_TARGET := CARGO_TARGET_DIR=target/fuzz
# Likewise.
BENCHES := --manifest-path rust/benches/Cargo.toml
BENCHES_TARGET := CARGO_TARGET_DIR=target/core-benches

.PHONY: help demo test test-all models mutations test-wheel test-free-threaded test-windows fuzz bench bench-quick lint check-targets format generate runtime \
	wheel wheels sdist release-notes release-check release-dry-run clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(VENV)/.tools: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the development tools into $(VENV)."
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

# Release, always: nobody should measure a debug build by accident.
$(VENV)/.built: $(VENV)/.tools $(RUST)
	@echo "Building the native module; the first time takes about a minute."
	@PIP_QUIET=1 VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked --quiet --extras testing
	@touch $@

demo: $(VENV)/.built ## Watch dozens of concurrent turns on the real runtime, offline (ARGS=--live: your login)
	$(BIN)/python -m examples.demo $(ARGS)

test: $(VENV)/.built ## The quick suite: core, native module and API, without what is slow
	cargo test --quiet --locked
	$(BIN)/python -m pytest -m "not slow" tests/python tests/native tests/api $(ARGS)

test-all: $(VENV)/.built ## Everything, models and the wheel on every Python of this machine included (JOBS=2 tests at once)
	cargo test --quiet --locked
	MODEL_ORDERS=2000 $(MODELS)
	$(BIN)/python -m pytest -m "not alone" $(SHARED_OUT) $(ARGS) $(OR_NONE)
	$(BIN)/python -m pytest -m alone $(ARGS) $(OR_NONE)

models: ## Try orders in which the core's threads may run (ORDERS=100000)
	MODEL_ORDERS=$(or $(ORDERS),20000) $(MODELS)

mutations: $(VENV)/.tools ## See that the models notice what they guard (ARGS=--find: look for the seeds anew)
	$(BIN)/python -m scripts.mutations $(ARGS)

# The native module has a form of its own for such an interpreter, which is built beside the other.
$(FREE)/.built: pyproject.toml constraints.txt $(RUST)
	@$(FREE_THREADED) -c 'import sys; sys.exit(sys._is_gil_enabled())' || { \
		echo "FREE_THREADED=$(FREE_THREADED) is no free-threaded CPython; name one, 3.14 or newer"; exit 2; }
	$(FREE_THREADED) -m venv $(FREE)
	@$(FREE)/bin/python -m pip install --quiet maturin pytest pytest-timeout uvloop
	@echo "Building the native module for $(FREE_THREADED); the first time takes about a minute."
	@PIP_QUIET=1 VIRTUAL_ENV=$(CURDIR)/$(FREE) CARGO_TARGET_DIR=$(FREE)/cargo $(FREE)/bin/maturin develop --release --locked --quiet --extras testing
	@touch $@

test-free-threaded: $(FREE)/.built ## What threads share, on a CPython without the interpreter's lock (FREE_THREADED=python3.14t)
	$(FREE)/bin/python -m pytest -m "not slow" tests/threads tests/native tests/python/test_fast.py tests/python/test_decode.py \
		tests/api/test_stream_hazards.py tests/api/test_async_hazards.py tests/api/_sync/test_turns.py tests/api/_async/test_turns.py $(ARGS)

# Under Wine it sets up a Python of its own.
test-windows: $(VENV)/$(if $(filter Windows_NT,$(OS)),.built,.tools) ## The tests on Windows' own Python and runtime; on Linux under Wine (ARGS="-k steer -x")
	$(BIN)/python -m scripts.windows $(ARGS)

fuzz: ## Fuzz the core for a while, against serde_json (ARGS="--seconds 600 --seed 2 envelope")
	$(FUZZ_TARGET) cargo run --quiet --release --locked $(FUZZ) --bin corpus -- $(or $(ARGS),--seconds 60)

# What it measures takes all the machine: leave it alone for the hour that it nearly takes.
bench: $(VENV)/.built ## Both packages on the same work, into docs/benchmarks.md; fails when a requirement is missed (ARGS="--rounds 3")
	cargo build --quiet --release --locked -p codex-core --example drain
	$(BENCHES_TARGET) cargo bench --locked $(BENCHES)
	$(BIN)/python -m benches.inner_loop
	$(BIN)/python -m pytest benches/suites $(BENCH) --benchmark-json=target/benches/pytest-benchmark.json $(ARGS)
	$(BIN)/python -m benches.report target/benches/results.json docs

bench-quick: $(VENV)/.built ## The same, small: that both packages see the same and nothing rots; asserts no times
	cargo build --quiet --release --locked -p codex-core --example drain
	$(BIN)/python -m pytest benches/suites $(BENCH) --quick --benchmark-quiet $(ARGS)
	$(BIN)/python -m benches.report target/benches/quick.json target/benches/quick

lint: $(VENV)/.built ## Formatters, linters, type checkers, and everything generated against its source
	cargo fmt --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	cargo fmt $(FUZZ) --check
	$(FUZZ_TARGET) cargo clippy --quiet --locked $(FUZZ) --all-targets -- -D warnings
	cargo fmt $(BENCHES) --check
	$(BENCHES_TARGET) cargo clippy --quiet --locked $(BENCHES) --all-targets -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/python -m mypy.stubtest codex_app_server._native
	$(BIN)/python -m scripts.floors
	$(BIN)/python -m scripts.rooms
	$(BIN)/python -m scripts.release generate-types --check
	$(BIN)/zizmor --quiet --offline --no-progress --persona auditor .github/workflows
	$(BIN)/actionlint -shellcheck $(BIN)/shellcheck .github/workflows/*.yml

check-targets: $(VENV)/.tools ## Compile both crates for Windows, macOS and musl, on any machine
	$(BIN)/python -m scripts.check_targets $(ARGS)

format: $(VENV)/.tools ## Format everything
	cargo fmt
	cargo fmt $(FUZZ)
	cargo fmt $(BENCHES)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(VENV)/.tools ## Rewrite what is generated: models and tables from the runtime, the sync shell
	$(BIN)/python -m scripts.release generate-types

# Built afterwards, so that what is installed is what is pinned, too.
runtime: $(VENV)/.tools ## Move to another runtime: pins, generated files, a list of what changed (VERSION=0.164.0)
	$(BIN)/python -m scripts.move_runtime $(VERSION)
	@$(MAKE) --no-print-directory $(VENV)/.built

wheel: $(VENV)/.tools ## Build and check this machine's wheel, into dist/
	$(BIN)/python -m scripts.wheels build $(ARGS)

wheels: $(VENV)/.tools ## Build and check the wheel of every platform, on one Linux machine (ARGS="musllinux_1_2_x86_64": some)
	$(BIN)/python -m scripts.wheels build $(or $(ARGS),--all)

sdist: $(VENV)/.tools ## Stage the SDK and build its source distribution into dist/
	$(BIN)/python -m scripts.release sdist

test-wheel: $(VENV)/.built ## Test the wheels in dist/, in empty environments, on every Python of this machine
	CODEX_SDK_WHEELS=dist $(BIN)/python -m pytest tests/wheel $(ARGS)

release-notes: $(VENV)/.tools ## Write the version's changelog entry to target/release-notes.md (TAG=v0.163.0: it must be dated)
	@mkdir -p target
	$(BIN)/python -m scripts.release changelog $(if $(TAG),--tag "$(TAG)") > target/release-notes.md

release-check: $(VENV)/.tools ## Check the files in dist/ as one release, complete for all platforms
	$(BIN)/python -m scripts.release check dist/* --platforms $$($(BIN)/python -m scripts.wheels list)

release-dry-run: $(VENV)/.tools ## A release of this machine's wheel from end to end, published to nobody (ARGS="--keep /tmp/release")
	$(BIN)/python -m scripts.release dry-run $(ARGS)

clean: ## Remove what was built
	rm -rf $(VENV) target dist python/codex_app_server/_native*.so
