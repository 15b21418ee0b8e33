# Costmill: everything a fresh clone needs is Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
CONFIG ?= sample_data/costmill.yaml

# The tests start hundreds of processes: bytecode is kept, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
# Files in the order of tests/conftest.py, the long ones first, and not by how many tests they have.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# A stamp in the environment: packages are installed once per change of a lock.
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
# An environment of its own within: what it needs is older than what we do. Its tests look for it there.
FOCUS_VALIDATOR := $(VENV)/focus-validator
FOCUS_STAMP := $(FOCUS_VALIDATOR)/.installed
# Airflow's own, with what Costmill needs beside it. Its tests look for it there.
AIRFLOW := $(VENV)/airflow
AIRFLOW_STAMP := $(AIRFLOW)/.installed
# Fill an environment from a lock: $(call fill,ENVIRONMENT,LOCK). uv takes a tenth of pip's time; where it cannot (an index
# that only pip was told of), pip does it.
define fill
	@$(BIN)/uv pip install --quiet $(3) --python "$(1)/bin/python" --require-hashes -r "$(2)" || \
		"$(1)/bin/python" -m pip --quiet --disable-pip-version-check --no-input install --require-hashes -r "$(2)"
endef
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast soak check static lint types contracts docs docs-check bench wheel lock format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Installation ---------------------------------------------------------------------------

# pip comes last into a new environment: where it is missing, the environment was not finished.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Costmill needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
			"Name another one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv "$(VENV)" || { \
		echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu it is a package of its own:" \
			"apt-get install python3-venv" >&2; exit 1; }

$(RUN_STAMP): requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/pip
	@echo "Installing Costmill into $(VENV) …" >&2
	@$(PIP) install --require-hashes -r requirements/build.txt
	$(call fill,$(VENV),requirements/runtime.txt,--compile-bytecode)
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.txt requirements/build.txt pyproject.toml | $(BIN)/pip
	@echo "Installing Costmill and its tools into $(VENV) …" >&2
	@$(PIP) install --require-hashes -r requirements/build.txt
	$(call fill,$(VENV),requirements/dev.txt,--compile-bytecode)
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $(RUN_STAMP) $@

$(FOCUS_STAMP): requirements/focus-validator.txt | $(DEV_STAMP)
	@echo "Installing focus-validator into $(FOCUS_VALIDATOR) …" >&2
	@$(PYTHON) -m venv "$(FOCUS_VALIDATOR)"
	$(call fill,$(FOCUS_VALIDATOR),$<)
	@touch $@

$(AIRFLOW_STAMP): requirements/airflow.txt | $(DEV_STAMP)
	@echo "Installing Airflow into $(AIRFLOW) …" >&2
	@$(PYTHON) -m venv "$(AIRFLOW)"
	$(call fill,$(AIRFLOW),$<)
	@touch $@

install: $(DEV_STAMP) ## Install Costmill with its tools into .venv

# --- Use ------------------------------------------------------------------------------------

# A breached budget is part of the sample's story and may end the run with its own code; from 64 on it is a failure.
demo: $(RUN_STAMP) ## Run the night on sample_data/ and say where the reports are
	@status=0; $(BIN)/costmill run --config "$(CONFIG)" -v || status=$$?; [ $$status -lt 64 ] || exit $$status
	@$(BIN)/python -c 'import pathlib, sys, yaml; \
	config = pathlib.Path(sys.argv[1]).resolve(); \
	keys = yaml.safe_load(config.read_text(encoding="utf-8")); \
	reports = sorted(p for p in (config.parent / keys.get("reports", {}).get("out", "out")).rglob("*") if p.is_file()); \
	published = config.parent / keys.get("publish", {}).get("path", "published/costs.duckdb"); \
	print("\nReports:", *reports, sep="\n  "); \
	print("For analysts, a DuckDB file:", published, sep="\n  "); \
	sys.exit(not reports or not published.exists())' "$(CONFIG)"

bench: install ## Measure loading beside plain DuckDB
	$(BIN)/python -m bench

# --- Proof ----------------------------------------------------------------------------------

test: install $(FOCUS_STAMP) $(AIRFLOW_STAMP) ## The whole test suite
	$(PYTEST) $(PYTEST_ARGS)

test-fast: install ## What can be told without browser, heavy parts and whole loads: under a minute
	$(PYTEST) -m "not browser and not heavy and not whole_way" $(PYTEST_ARGS)

soak: install ## The long proofs: many more examples, orders and kills
	COSTMILL_SOAK=1 $(PYTEST) -m "heavy or long" $(PYTEST_ARGS)

check: static $(FOCUS_STAMP) $(AIRFLOW_STAMP) ## Lint, types, import contracts, docs, and the tests with their coverage
	$(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

static: lint types contracts docs-check

lint: install ## Format and lint, nothing changed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install ## mypy, strict
	$(BIN)/mypy

contracts: install
	$(BIN)/lint-imports

docs-check: install
	$(BIN)/python docs/generate.py --check

format: install ## Format and fix what can be fixed
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# --- Made files -----------------------------------------------------------------------------

docs: install ## Write the command-line reference anew
	$(BIN)/python docs/generate.py

wheel: install ## Build sdist and wheel into dist/
	$(BIN)/python -m build --no-isolation --outdir dist .

# dev first: the runtime lock takes its versions from it, so both agree.
lock: install ## Resolve the dependencies anew, for every system and Python 3.11 to 3.14
	$(LOCK) --extra dev pyproject.toml --output-file requirements/dev.txt
	$(LOCK) --constraints requirements/dev.txt pyproject.toml --output-file requirements/runtime.txt
	$(BIN)/python -c 'import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["focus-validator"], sep="\n")' \
	| $(LOCK) - --output-file requirements/focus-validator.txt
	$(LOCK) --constraints requirements/dev.txt --group airflow pyproject.toml --output-file requirements/airflow.txt
	$(LOCK) --constraints requirements/dev.txt --group build --output-file requirements/build.txt

clean: ## Remove what was built or measured; the environment stays
	rm -rf dist build htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache sample_data/out sample_data/warehouse sample_data/published
	find . -name __pycache__ -type d -not -path "./$(VENV)/*" -prune -exec rm -rf {} +
