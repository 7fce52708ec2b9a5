# `make demo` and `make test` need Python 3.11 or newer, git, make and gcc.
# Another interpreter: `make PYTHON=python3.12 test`.

PYTHON ?= python3
WORKERS ?= auto
MINUTES ?= 10
KINDS ?= specs recipes studies runs checkpoints

VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.demo
DEV := $(VENV)/.dev
CONSTRAINTS := constraints.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check docs site bench fuzz format constraints clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 14

demo: $(DEMO)  ## validate, draw, compile and run specs/base.yaml
	@mkdir -p build
	$(BIN)/deit-spec validate specs/base.yaml
	$(BIN)/deit-spec render specs/base.yaml
	$(BIN)/deit-spec compile specs/base.yaml -o build/base.py
	$(BIN)/python -W "ignore:Failed to initialize NumPy" docs/examples/run_compiled.py build/base.py

test: $(DEV)  ## run the tests and the documentation's examples, except the slow ones
	$(BIN)/pytest -n $(WORKERS) -q -m "not slow"

test-all: $(DEV)  ## run every test
	$(BIN)/pytest -n $(WORKERS) -q

check: $(DEV)  ## run every check: format, lint, types, imports, the site, every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory site
	@$(MAKE) --no-print-directory test-all

docs: $(DEV)  ## write the generated files of docs/ and the JSON Schema, and build the site
	$(BIN)/deit-spec explain --all -o docs/diagnostics.md
	$(BIN)/deit-spec schema -o specs/deit-spec.schema.json
	$(BIN)/deit-spec render specs/base.yaml -o docs/figures/base.svg
	$(BIN)/deit-spec render specs/base.yaml --detail overview -o docs/figures/base-overview.svg
	$(BIN)/deit-spec render specs/base.yaml --heat macs -o docs/figures/base-macs.svg
	$(BIN)/deit-spec render deit_base_patch16_224 --against deit3_base_patch16_224 -o docs/figures/deit3-differences.svg
	@$(MAKE) --no-print-directory site

site: $(DEV)  ## build the documentation site in build/site; any warning is an error
	$(BIN)/sphinx-build -q -E -W --keep-going -d build/doctrees docs build/site

bench: $(DEV)  ## run the benchmarks, one after the other
	$(BIN)/python benchmarks/run_all.py

fuzz: $(DEV)  ## fuzz each of KINDS on every core for MINUTES (default: 10)
	$(BIN)/pip install --quiet "atheris>=3.0"
	for kind in $(KINDS); do \
	  $(BIN)/python tests/fuzz/run.py --kind $$kind --minutes $(MINUTES) || exit 1; \
	done

format: $(DEV)  ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

constraints:  ## write the newest versions of everything but torch to constraints.txt
	@mkdir -p build
	$(PYTHON) -m venv --clear build/constraints
	build/constraints/bin/pip install --quiet \
	  "$$(grep '^torch==' $(CONSTRAINTS))" ".[dev]"
	{ grep '^#' $(CONSTRAINTS); \
	  build/constraints/bin/pip freeze --exclude deit-spec | sed 's/+cpu$$//'; \
	} > build/$(CONSTRAINTS)
	mv build/$(CONSTRAINTS) $(CONSTRAINTS)
	rm -r build/constraints

clean:  ## remove the environment, build outputs and caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -r {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "deit-spec needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

# Two sets of packages in one environment: what `deit-spec` itself needs, and the rest.
# Most of torch is never imported, so the demo does not wait for its bytecode.
INSTALL := $(BIN)/pip install --quiet --no-compile -c $(CONSTRAINTS)

$(DEMO): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "installing deit-spec into $(VENV) (once; torch is large)"
	$(INSTALL) -e .
	@touch $@

$(DEV): $(DEMO)
	@echo "installing what the tests and checks need into $(VENV) (once)"
	$(INSTALL) -e ".[dev]"
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # not all of it is Python 3
	@touch $@
