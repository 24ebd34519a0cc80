# Jinzhi 金质. `make help` lists the targets; operators may use .venv/bin/jinzhi directly afterwards.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
RUFF_PATHS := jinzhi tests bench conftest.py
export JINZHI_DEMO ?= 1
unexport PYTHONDONTWRITEBYTECODE # every start would compile everything anew

.PHONY: help up down reset province province-down test check bench format lock runtime dev

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

up: runtime ## install what is missing, start everything, return when healthy
	@$(BIN)/jinzhi up

down: ## stop everything that `up` started
	@if [ -x $(BIN)/jinzhi ]; then $(BIN)/jinzhi down; else echo 没有安装，也没有在运行。; fi

reset: ## stop and wipe var/ (asks first; YES=1 does not)
	@if [ -x $(BIN)/jinzhi ]; then $(BIN)/jinzhi reset $(if $(YES),--yes); else echo 没有安装，没有可清空的数据。; fi

province: runtime ## hub and CITIES=3 city nodes on this machine (up to 11), joined to one network
	@$(BIN)/jinzhi province up --cities $(or $(CITIES),3) $(if $(PORTS),--ports)

province-down: ## stop what `province` started (WIPE=1 deletes its data)
	@if [ -x $(BIN)/jinzhi ]; then $(BIN)/jinzhi province down $(if $(WIPE),--wipe); else echo 没有安装，也没有在运行。; fi

test: dev ## install what is missing and run every test; PYTEST=… for options
	@$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST)

check: dev ## lint, types, import contracts, migrations, rules, forms and procedures
	@$(BIN)/ruff check $(RUFF_PATHS)
	$(BIN)/ruff format --check $(RUFF_PATHS)
	$(BIN)/lint-imports
	$(BIN)/mypy jinzhi
	$(BIN)/jinzhi makemigrations --check --dry-run
	$(BIN)/jinzhi check

bench: dev ## measure; each line is a ratio within one run (FULL=1: a million open cases, some 20 minutes)
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements/bench.lock
	@for name in codes loading archive searching comparing exporting casework exchange exchange_log startup; do $(BIN)/python bench/$$name.py $(if $(FULL),--full); done

format: dev ## put the code into its common form
	@$(BIN)/ruff check --fix $(RUFF_PATHS)
	$(BIN)/ruff format $(RUFF_PATHS)

lock: dev ## resolve the Python packages anew from pyproject.toml
	@compile="$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header"
	$$compile pyproject.toml --extra dev -o requirements/dev.lock
	$$compile pyproject.toml -c requirements/dev.lock -o requirements/base.lock
	$$compile requirements/build.in -c requirements/dev.lock -o requirements/build.lock
	$$compile requirements/bench.in -c requirements/dev.lock -o requirements/bench.lock
	npm update --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

runtime:
	@$(PYTHON) -I jinzhi/runtime/prepare.py runtime

dev:
	@$(PYTHON) -I jinzhi/runtime/prepare.py dev
