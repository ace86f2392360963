# Slotkeeper. `make` alone lists what can be done.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help install demo test test-pgbouncer lint bench chaos clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed-dev ## Make .venv with everything for running, testing and measuring

demo: $(VENV)/installed ## Run it all here, database included (PORT=9000 moves it)
	@$(BIN)/python -m app.cli demo --port $(PORT)

# Tests wait for servers and clocks half of their time, so two processes share them, file by file.
test: lint ## Everything that must pass
	@$(BIN)/python -m pytest -n 2 --dist loadfile --durations=40 --durations-min=3

test-pgbouncer: $(VENV)/installed-dev ## The door behind PgBouncer, which must be on the PATH
	@$(BIN)/python -m pytest tests/operations/behind_pgbouncer.py

lint: $(VENV)/installed-dev ## ruff, mypy and import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

bench: $(VENV)/installed-dev ## Measure, minutes long; results under bench/results/ (QUICK=1: two)
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

chaos: $(VENV)/installed-dev ## Attack a demo made for it; exit code 0 only if every promise held
	@$(BIN)/python -m chaos run --fresh --faults all --iterations 10000

clean: ## Remove .venv and caches; the demo's data in .slotkeeper/ stay
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Slotkeeper needs Python 3.11 or newer as '$(PYTHON)'. Install one (Debian: apt install python3)," \
	       "or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The stamps are touched last, so that an interrupted installation is taken up again. Compat mode puts the
# checkout itself on the path: a package made after the installation is found too.
$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what Slotkeeper needs into $(VENV) (once, up to a minute) ..."
	@$(PIP) install -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable . --config-settings editable_mode=compat
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "Installing what tests, linters and measurements need ..."
	@$(PIP) install -r requirements-dev.txt
	@touch $@
