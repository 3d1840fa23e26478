# Everything needs only make and python3 (3.11 to 3.14, with venv): the first call makes .venv and installs
# the versions of constraints.txt into it. Another interpreter: make test PYTHON=python3.13

SHELL := /bin/bash
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
READY := .venv/.ready
FOREIGN := .venv/foreign/.ready
STEPS := lint format types imports docstrings unit

export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help venv run test clean $(STEPS)
.NOTPARALLEL:

help:
	@echo "make run    run the shipped Bochum scenario: three controllers, three seeds, a table"
	@echo "make test   every check: $(STEPS); each is a target of its own"
	@echo "make venv   only set up .venv"
	@echo "make clean  remove .venv and the caches"

venv: $(READY)

# The build backend comes first and from the lock too, so that the build needs no isolated environment.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' \
	  || { echo "make: $(PYTHON) is not Python 3.11 to 3.14; name one that is: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up .venv (once; it takes 1.6 GB of disk) ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet -c constraints.txt hatchling
	@$(BIN)/pip install --quiet -c constraints.txt --no-build-isolation -e '.[cluster,dev,ntcip,osm,resco,v2x]'
	@.ci/system-libraries .venv
	@touch $@

# A reader of the tests that needs older versions of pandas and duckdb than the project has.
$(FOREIGN): $(READY) tests/export/foreign-constraints.txt
	@echo "Setting up .venv/foreign ..."
	@test -x .venv/foreign/bin/pip || $(PYTHON) -m venv --clear .venv/foreign
	@.venv/foreign/bin/pip install --quiet -r tests/export/foreign-constraints.txt
	@touch $@

run: $(READY)
	$(BIN)/gruenband run bochum-ring-am --controller program --controller actuated --controller horizon --seeds 1-3

# All steps run even if one fails; the last line then names those that failed.
test: $(READY)
	@failed=; \
	for step in $(STEPS); do \
	  echo "== $$step"; \
	  $(MAKE) --no-print-directory $$step || failed="$$failed $$step"; \
	done; \
	if [ -n "$$failed" ]; then echo "make test: failed:$$failed" >&2; exit 1; fi

lint: $(READY)
	$(BIN)/ruff check .

format: $(READY)
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy --strict

imports: $(READY)
	$(BIN)/lint-imports

docstrings: $(READY)
	@echo "numpydoc lint sim/"
	@$(BIN)/numpydoc lint $$(find sim -name '*.py' | sort)

unit: $(READY) $(FOREIGN)
	$(BIN)/python tests/compile_kernels.py
	$(BIN)/pytest -n $(JOBS) --dist worksteal

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find sim tests networks benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
