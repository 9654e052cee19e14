# One entry for people and CI. Every target installs what it needs; a second run skips that.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.PHONY: setup panel demo lab check test test-fast test-browser bench clean help

BIN := .venv/bin
HOME_OF_DEMO := $(or $(MLKRAKEN_HOME),$(CURDIR)/build/demo/home)

help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:  ## Make .venv with everything Python and the built panel.
	@scripts/setup

panel: setup  ## Build the panel and the widget anew.
	@scripts/panel

demo: setup  ## Run notebooks/quickstart.ipynb headless; results in build/demo/. KEEP=1 lets services go on.
	@$(BIN)/python notebooks/demo.py $(if $(KEEP),--keep)

lab: setup  ## Open the quickstart in JupyterLab with the panel.
	@scripts/lab '$(HOME_OF_DEMO)'

check: setup  ## Format, lint, types, floors, and the panel's own checks.
	@scripts/check

test: setup  ## Everything: checks, all Python tests, browser tests.
	@scripts/check
	scripts/chromium
	scripts/client kserve
	$(BIN)/pytest tests/unit tests/contract tests/rules tests/system
	$(BIN)/pytest tests/browser

test-fast: setup  ## Unit, contract and rule tests only.
	@$(BIN)/pytest tests/unit tests/contract tests/rules

test-browser: setup  ## Browser tests only.
	@scripts/chromium
	$(BIN)/pytest tests/browser

bench: setup  ## Print every figure with its bar.
	@scripts/chromium
	scripts/bench

clean:  ## Remove what was built; .venv stays.
	@rm -rf build dist mlkraken_jupyter/labextension mlkraken_client/static labextension/lib
