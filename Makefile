# Make creates files only in this folder, and `make clean` removes them: the environments .venv (development) and
# .venv-meltano (Meltano), plugins in .meltano, caches and logs in .cache, and the demo's rows in output.

PYTHON ?= python3
TARGET ?= target-jsonl

UV := .venv/bin/uv

export XDG_CACHE_HOME := $(CURDIR)/.cache
export XDG_STATE_HOME := $(CURDIR)/.cache/state
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help check test lint types unit tests docs demo bench example clean

help: ## Show this list
	@echo 'Requires Python 3.10 or later, make and git. PYTHON=python3.12 selects another Python.'
	@sed -n 's/^\([a-z]*\):.* ## /  make \1	/p' $(MAKEFILE_LIST)

check: .venv/ready ## Lint, types, and the tests that need neither a server nor another program
	@$(MAKE) --no-print-directory --jobs=2 lint types unit

test: .meltano/ready ## Lint, types and all tests, including Meltano runs into JSONL and PostgreSQL
	@$(MAKE) --no-print-directory --jobs=2 lint types tests

lint:
	@.venv/bin/ruff check --quiet . && .venv/bin/ruff format --quiet --check .

types:
	@.venv/bin/mypy --no-error-summary

# Two workers, regardless of the number of processors, as some tests measure time.
unit:
	@.venv/bin/pytest --quiet -m unit -n 2 --dist worksteal

tests:
	@.venv/bin/pytest --quiet -n 2 --dist worksteal

docs: .venv/ready ## Generate tables in the documents, Meltano's settings and the benchmark picture
	.venv/bin/python -m tools.docs

demo: .meltano/ready ## Load a sandbox with Meltano and count the rows; TARGET=target-postgres starts a PostgreSQL
	.venv/bin/python -m demo $(TARGET)

bench: .meltano/ready ## Compare with other tools in benchmarks/results.md; QUICK=1 or ONLY=postgres measures less, into .cache/bench
	.venv/bin/python -m benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only=$(ONLY))

example: .venv/ready examples/dagster/.venv/ready examples/dagster/.venv-target/ready ## Run examples/dagster: a backfill of three tenants, with kills, in a quarter of an hour
	@cd examples/dagster && .venv/bin/pytest --quiet -p no:cacheprovider tests/test_definitions.py
	@cd examples/dagster && PYTHONPATH=.:../.. ../../.venv/bin/python -m trial

clean: ## Remove everything that make created
	rm -rf examples/dagster/.venv examples/dagster/.venv-target
	rm -rf .venv .venv-meltano .meltano .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("Python 3.10 or later is required; for example: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'This Python has no venv module; install it (Debian: python3-venv)' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<0.14'
	$(UV) pip install --quiet --compile-bytecode --python .venv --group dev --editable .
	@touch $@

.venv-meltano/ready: .venv/ready
	$(UV) venv --quiet --clear --python .venv .venv-meltano
	$(UV) pip install --quiet --compile-bytecode --python .venv-meltano --group meltano
	@touch $@

.meltano/ready: .venv-meltano/ready meltano.yml loader/pyproject.toml
	UV_COMPILE_BYTECODE=1 .venv-meltano/bin/meltano install
	@touch $@

examples/dagster/.venv/ready: .venv/ready examples/dagster/pyproject.toml
	$(UV) venv --quiet --clear --python .venv examples/dagster/.venv
	cd examples/dagster && ../../$(UV) pip install --quiet --compile-bytecode --python .venv --requirements pyproject.toml --group test
	@touch $@

examples/dagster/.venv-target/ready: .venv/ready examples/dagster/pyproject.toml
	$(UV) venv --quiet --clear --python .venv examples/dagster/.venv-target
	cd examples/dagster && ../../$(UV) pip install --quiet --compile-bytecode --python .venv-target --group target
	@touch $@
