# make demo    a small blog goes from its first script to an upgrade and back
# make test    everything: lint, house rules, laws, stories
# make lint    formatting, lint, types, import contracts
# make soak    the laws with thousands of examples
# make bench   measured beside Alembic and Flask-Migrate, in the same run
# make docs    rewrites the reference from the commands and checks every link
# make peers   runs the test-suites of Flask-Migrate and Alembic against us
# make corpora leads databases through the pairs of schemas of other tools' tests
# make clean   removes what was made here, .venv too
#
# PostgreSQL, MariaDB and MySQL are used where they answer ($WHIMBREL_POSTGRESQL,
# $WHIMBREL_MARIADB, $WHIMBREL_MYSQL, or usual ports), else started if installed.
# From a fresh clone nothing is needed but make and a Python >= 3.10.

SHELL := /bin/bash
unexport PYTHONDONTWRITEBYTECODE  # what is compiled once is kept for the next process
.DEFAULT_GOAL := test
.DELETE_ON_ERROR:
.PHONY: demo test lint soak bench docs peers corpora clean

BIN := .venv/bin
READY := .venv/.ready
PEERS := .venv/.peers

CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
WORKERS := $(shell n=$(CORES); [ $$n -lt 2 ] && n=2; [ $$n -gt 4 ] && n=4; echo $$n)
PYTEST := $(BIN)/python -m pytest
SERVERS := $(BIN)/python tests/servers.py
PARALLEL := -n $(WORKERS) --dist worksteal

demo: $(READY)
	@$(BIN)/python examples/demo.py

test: lint
	@$(SERVERS) $(PYTEST) -q $(PARALLEL)

lint: $(READY)
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted. Run $(BIN)/ruff format."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo --no-cache > .venv/.lint-imports || { cat .venv/.lint-imports; exit 1; }
	@echo "lint: format, rules, types and import contracts are kept"

soak: $(READY)
	@WHIMBREL_SOAK=1 $(SERVERS) $(PYTEST) -q $(PARALLEL) tests

bench: $(READY) $(PEERS)
	@set -e; for each in benchmarks/bench_*.py; do $(SERVERS) $(BIN)/python $$each; done

docs: $(READY)
	@$(BIN)/python docs/make_reference.py
	@$(PYTEST) -q tests/house/test_docs.py

peers: $(READY) $(PEERS)
	@set -e; for each in tests/peers/run_*.py; do $(BIN)/python $$each; done

corpora: $(READY) $(PEERS)
	@set -e; for each in tests/corpora/run_*.py; do $(SERVERS) $(BIN)/python $$each; done

clean:
	@rm -rf .venv .cache build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@bash .ci/venv .venv dev
	@touch $@

$(PEERS): pyproject.toml | $(READY)
	@bash .ci/venv .venv peers
	@touch $@
