# make run: serve everything on http://127.0.0.1:8000    make test: run the tests
# Both set themselves up; they need Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?=
ifneq ($(PORT),)
export PORT
endif

# For commands that serve nobody.
NO_KEY := only-for-this-and-long-enough-for-a-key

.PHONY: run test lint lint-js types checks schema words bench bench-live bench-growth bench-pages clean

run: $(VENV)/.run
	@$(BIN)/python -m deploy.before_run \
	  && $(BIN)/python manage.py migrate --verbosity 0 \
	  && $(BIN)/python manage.py demo --starting \
	  && exec env PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONUNBUFFERED=1 $(BIN)/python -m deploy.serve

test: $(VENV)/.test
	@BIN=$(BIN) sh deploy/test.sh

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python deploy/regexes.py

lint-js: node_modules/.installed
	npm run --silent lint
	npm run --silent types
	npm run --silent test

types: $(VENV)/.test
	$(BIN)/mypy

checks: $(VENV)/.test
	@BIN=$(BIN) sh deploy/checks.sh

schema: $(VENV)/.test
	ENV_FILE=/dev/null SECRET_KEY=$(NO_KEY) $(BIN)/python manage.py spectacular --validate \
	  --fail-on-warn --format openapi-json --file docs/openapi.json

words: $(VENV)/.run
	@BIN=$(BIN) sh deploy/words.sh

bench: $(VENV)/.run
	$(BIN)/python -m bench

bench-live: $(VENV)/.run
	$(BIN)/python -m bench.live

bench-growth: $(VENV)/.run
	$(BIN)/python -m bench.growth

bench-pages: $(VENV)/.test
	ENV_FILE=/dev/null SECRET_KEY=$(NO_KEY) $(BIN)/python -m bench.pages

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "This needs Python 3.11 or newer; %s is %d.%d. Name another one: make run PYTHON=python3.11" % (sys.executable, *sys.version_info[:2]))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what runs (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-dev.txt $(VENV)/.run
	@echo "Installing what tests (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	@echo "Installing what checks the scripts (once) ..."
	@npm ci --silent
	@touch $@
