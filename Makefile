# Two commands: `make demo` to try it, `make test` to prove it. Everything else is a part of one of them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# What speaks with the server: the record, its rights, queries and audit. Packs, sheets and papers do not care which one it is.
PG15_TESTS := tests/registry tests/office tests/attacks/test_rows.py tests/attacks/test_absent.py \
  $(foreach room,accounts audit crypto db duty files limits notice orgs,tests/ground/$(room))

.PHONY: demo serve test test-full test-pg15 lint format types coverage-map bench browser lock audit clean help

help: ## Show what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /\1\t/' | sort | expand -t 16

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or newer is needed" && exit 1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: $(STAMP) ## Set up, start the embedded database, load the made-up county, serve on http://127.0.0.1:8000
	$(BIN)/xueji demo

browser: ## Install Chromium for the journeys where that is allowed; say so where it is not
	@sh tools/install_browser.sh

test: $(STAMP) browser ## Everything: style, types, floors, unit tests, attacks, browser journeys
	$(MAKE) --no-print-directory --jobs 2 --output-sync lint types
	$(BIN)/python tools/coverage_map.py --check
	$(BIN)/pytest -q -n $${XUEJI_TEST_WORKERS:-2} --dist worksteal -m "not slow"
	$(MAKE) --no-print-directory test-pg15

test-pg15: $(STAMP) ## The record's guarantees on PostgreSQL 15 from Debian's package
	@sh tools/install_postgres15.sh
	@if [ -x /usr/lib/postgresql/15/bin/postgres ]; then \
	  XUEJI_TEST_PG=15 $(BIN)/pytest -q -n $${XUEJI_TEST_WORKERS:-2} --dist worksteal -m "not slow and not browser" $(PG15_TESTS); \
	else echo "SKIPPED: PostgreSQL 15 is not installed here and may not be; those tests did not run."; fi

test-full: $(STAMP) browser ## The heavy checks at their stated numbers as well (up to 90 minutes)
	XUEJI_TEST_FULL=1 $(MAKE) --no-print-directory test
	XUEJI_TEST_FULL=1 $(BIN)/pytest -q -n 1 -m "slow and not fuzz"
	$(BIN)/pytest -q -n $${XUEJI_TEST_WORKERS:-2} -p no:logging -m fuzz
	$(BIN)/python tools/marker_mutation.py

lint: $(STAMP) ## Formatter, linter, security linter, templates, import contract, scan for secrets
	$(BIN)/ruff format --check src tests tools bench
	$(BIN)/ruff check src tests tools bench
	$(BIN)/bandit -q -c pyproject.toml -r src
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint --quiet --lint src
	$(BIN)/python tools/secret_scan.py

format: $(STAMP) ## Put the code into shape
	$(BIN)/ruff format src tests tools bench
	$(BIN)/ruff check --fix src tests tools bench

types: $(STAMP) ## Check the types
	XUEJI_DATA=$(VENV)/types XUEJI_POOL=0 $(BIN)/mypy

coverage-map: $(STAMP) ## Write docs/coverage.md: which test shows which capability and rule
	$(BIN)/python tools/coverage_map.py

bench: $(STAMP) ## Run the small benches (xueji bench NAME --size full for the stated numbers)
	$(BIN)/xueji bench all --json

lock: ## Resolve dependencies again and write requirements.lock (needs uv)
	uv lock && uv export --quiet --locked --no-emit-project --all-groups --no-header --output-file requirements.lock

audit: $(STAMP) ## Ask the advisory service about known holes in dependencies (needs the internet)
	$(BIN)/python -m pip install --quiet pip-audit && $(BIN)/pip-audit --requirement requirements.lock

clean: ## Remove the environment; data in var/ stays
	rm -rf $(VENV) build dist
