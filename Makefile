# `make run` and `make test` set themselves up; they need Python 3.11 or newer and make.
# `make help` lists all targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?=
ifneq ($(PORT),)
export PORT
endif

# For commands that serve nobody.
NO_KEY := only-for-this-and-long-enough-for-a-key

PROCESSES := $(or $(TEST_PROCESSES),3)
TEMPLATES := accounts/templates chatapi/templates chats/templates companies/templates

# Compiled modules are kept: tests start many processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test test-all coverage lint lint-js types checks schema vendor words \
  bench bench-live bench-growth bench-pages clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 15

run: $(VENV)/.run ## Serve everything on http://127.0.0.1:8000 (PORT=9000 for another port)
	@$(BIN)/python -m deploy.before_run \
	  && $(BIN)/python manage.py migrate --verbosity 0 \
	  && $(BIN)/python manage.py demo --starting \
	  && exec env PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONUNBUFFERED=1 $(BIN)/python -m deploy.serve

test: $(VENV)/.test ## Run the fast tests, on the embedded default
	$(BIN)/python $(MEASURE) -m pytest -n $(PROCESSES) -m "not slow"

test-all: test ## Run all tests; on PostgreSQL and Redis, too, where they answer
	@BIN=$(BIN) sh deploy/test.sh

# PYTHONPATH is for deploy/measuring.py, which is loaded before the first script.
coverage: $(VENV)/.test ## Measure what all tests cover, with the processes that they start
	$(BIN)/python -m coverage erase
	@PYTHONPATH="$(CURDIR)" MEASURE="-m coverage run" $(MAKE) test-all; status=$$?; \
	  $(BIN)/python -m coverage combine --quiet && $(BIN)/python -m coverage report; exit $$status

lint: $(VENV)/.test ## Check style and imports of Python, templates and shell scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint $(TEMPLATES)
	$(BIN)/shellcheck deploy/*.sh .ci/run
	$(BIN)/python deploy/regexes.py

lint-js: node_modules/.installed ## Check style and types of the scripts, and test them (needs node)
	sh deploy/vendor.sh --check
	npm run --silent lint
	npm run --silent types
	npm run --silent test

types: $(VENV)/.test ## Check the types of Python
	$(BIN)/mypy

checks: $(VENV)/.test ## Check that migrations, schema, words and settings are up to date
	@BIN=$(BIN) sh deploy/checks.sh

schema: $(VENV)/.test ## Write docs/openapi.json
	ENV_FILE=/dev/null SECRET_KEY=$(NO_KEY) $(BIN)/python manage.py spectacular --validate \
	  --fail-on-warn --format openapi-json --file docs/openapi.json

vendor: node_modules/.installed ## Update the libraries that pages load (needs node)
	sh deploy/vendor.sh

words: $(VENV)/.run ## Update the message files for translators
	@BIN=$(BIN) sh deploy/words.sh

bench: $(VENV)/.bench ## Measure requests
	$(BIN)/python -m bench requests

bench-live: $(VENV)/.bench ## Measure streams
	$(BIN)/python -m bench live

bench-growth: $(VENV)/.bench ## Measure large databases
	$(BIN)/python -m bench growth

bench-pages: $(VENV)/.bench ## Measure pages
	$(BIN)/python -m bench pages

clean: ## Remove what make installed
	rm -rf node_modules $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "This needs Python 3.11 or newer; %s is %d.%d. Name another one: make run PYTHON=python3.11" % (sys.executable, *sys.version_info[:2]))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the service needs (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.run
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: bench/requirements.txt $(VENV)/.run
	@echo "Installing what the benchmark needs (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	@echo "Installing what checks the scripts (once) ..."
	@npm ci --silent
	@touch $@
