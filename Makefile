# One command each. `make demo` and `make test` need Python >= 3.11, make and git, and nothing else.
SHELL := /bin/sh
PYTHON ?= python3
UV := .venv/bin/uv
RUN := .venv/bin/
export UV_PROJECT_ENVIRONMENT := .venv
export UV_LINK_MODE := copy
export UV_PYTHON_DOWNLOADS := never
STAMP := .venv/.synced

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status test check fix schemas release rolling-upgrade mutants bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## install uv and every pinned package into .venv

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %s. Say make PYTHON=... to use another." % sys.version.split()[0])'
	@echo "Setting up: uv, from Python's own pip"
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

$(STAMP): $(UV) uv.lock pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml deploy/*/pyproject.toml)
	@echo "Setting up: the packages pinned in uv.lock"
	@$(UV) sync --frozen --inexact --quiet
	@touch $(STAMP)

demo: $(STAMP) ## three requests walk the whole path, each step shown, the Records and Signals verified (KEEP=1 leaves the system up)
	@$(RUN)python -m truth_local.demo $(if $(KEEP),--keep)

up: $(STAMP) ## start the whole system and print its links (REPLICAS=2: two of each service)
	@$(RUN)python -m truth_local up $(if $(REPLICAS),--replicas $(REPLICAS))

down: $(STAMP) ## stop the whole system
	@$(RUN)python -m truth_local down

status: $(STAMP) ## say what runs
	@$(RUN)python -m truth_local status

test: $(STAMP) ## the tests (T=tests/path for a part)
	$(RUN)pytest $(T)

check: $(STAMP) ## style, types, imports, contracts beside the last release, then the tests: what CI runs
	$(RUN)ruff format --check
	$(RUN)ruff check
	$(RUN)basedpyright
	$(RUN)lint-imports
	$(RUN)python -m truth_gate check
	$(MAKE) test

fix: $(STAMP) ## format, and mend what the linter can
	$(RUN)ruff format
	$(RUN)ruff check --fix

schemas: $(STAMP) ## export what is generated from the contracts: schemas, samples, AsyncAPI document, glossary, page for upstreams
	$(RUN)python -m truth_gate export

release: $(STAMP) ## lay the present contracts and manifests down as released (adds, never changes)
	$(RUN)python -m truth_gate release

rolling-upgrade: $(STAMP) ## swap each service for a second version under load, out and back, in both orders (minutes)
	$(RUN)python -m tests.contracts.rolling

mutants: $(STAMP) ## take each check out of the verifier; the tests must notice (some minutes)
	$(RUN)python libs/sealing/tests/mutants

bench: $(STAMP) ## measure against bare loops, as ratios (PART=sealing for a part)
	$(RUN)python -m tests.bench $(if $(PART),--part $(PART))
