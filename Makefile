# `make demo` and `make test` need Python 3.11 or newer, git, make and gcc.
# Another interpreter: `make PYTHON=python3.12 test`.

PYTHON ?= python3
WORKERS ?= auto
MINUTES ?= 10

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CONSTRAINTS := constraints.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench fuzz format constraints clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 14

demo: $(INSTALLED)  ## validate, draw, compile and run specs/base.yaml
	@mkdir -p build
	$(BIN)/deit-spec validate specs/base.yaml
	$(BIN)/deit-spec render specs/base.yaml
	$(BIN)/deit-spec compile specs/base.yaml -o build/base.py
	$(BIN)/python docs/examples/run_compiled.py build/base.py

test: $(INSTALLED)  ## run every test, the documentation's examples among them
	$(BIN)/pytest -n $(WORKERS) -q

check: $(INSTALLED)  ## run every check: format, lint, types, imports, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

docs: $(INSTALLED)  ## write what is made of the code: codes, JSON Schema
	$(BIN)/deit-spec explain --all -o docs/diagnostics.md
	$(BIN)/deit-spec schema -o specs/deit-spec.schema.json

bench: $(INSTALLED)  ## run the benchmarks, one after the other
	$(BIN)/python benchmarks/run_all.py

fuzz: $(INSTALLED)  ## fuzz `validate` for MINUTES=10 on every core
	$(BIN)/pip install --quiet "atheris>=3.0"
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES)

format: $(INSTALLED)  ## lay out the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

constraints:  ## write the newest versions of all but torch into constraints.txt
	@mkdir -p build
	$(PYTHON) -m venv --clear build/constraints
	build/constraints/bin/pip install --quiet \
	  "$$(grep '^torch==' $(CONSTRAINTS))" ".[dev]"
	{ grep '^#' $(CONSTRAINTS); \
	  build/constraints/bin/pip freeze --exclude deit-spec | sed 's/+cpu$$//'; \
	} > build/$(CONSTRAINTS)
	mv build/$(CONSTRAINTS) $(CONSTRAINTS)
	rm -r build/constraints

clean:  ## remove the environment, what was built, and every cache
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -r {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "deit-spec needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "installing into $(VENV) (once; torch is large)"
	$(BIN)/pip install --quiet -c $(CONSTRAINTS) -e ".[dev]"
	@touch $@
