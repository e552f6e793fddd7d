# One command each. `make demo` and `make test` need Python >= 3.11 with its venv, make and git, and nothing else.
SHELL := /bin/sh
PYTHON ?= python3
UV := .venv/bin/uv
RUN := .venv/bin/
export UV_PROJECT_ENVIRONMENT := .venv
export UV_LINK_MODE := copy
export UV_PYTHON_DOWNLOADS := never
STAMP := .venv/.synced

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*\#\# .*/\1/p' Makefile)

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## install uv and every pinned package into .venv

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %s. Say make PYTHON=... to use another." % sys.version.split()[0])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv is missing. On Debian and Ubuntu: apt install python3-venv."; exit 1; }
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

secrets: $(STAMP) ## make, at random, the secrets that docker-compose.yml mounts; those that are there stay
	@$(RUN)python -m truth_local secrets

# The path, its guardrails, the services: without what waits for outages, grows logs, or starts systems of its own.
QUICK_TESTS := tests/path tests/architecture libs/contracts services deploy/local \
	--ignore=services/records/tests/test_sealer.py --ignore=services/records/tests/test_audit.py \
	--ignore=deploy/local/tests/test_commands.py

test: $(STAMP) ## the tests (QUICK=1: six minutes of them; T=tests/path: a part; BACKEND=containers, url, local: another Kafka and PostgreSQL)
	$(RUN)pytest $(if $(BACKEND),--backend=$(BACKEND)) $(if $(QUICK),$(QUICK_TESTS)) $(T)

test-browser: $(STAMP) ## the pages in a real Chromium, found or installed (T=tests/browser/test_request.py for a part)
	@$(RUN)python -m tests.browser $(T)

screenshots: $(STAMP) ## walk the path in a real Chromium, and keep the README's pictures of it
	@$(RUN)python -m tests.browser tests/browser/test_whole_path.py
	@$(RUN)python -m tests.browser.pictures

test-containers: $(STAMP) ## images and the compose system, on an engine made of Debian packages (root)
	@$(RUN)python -m tests.containers

test-s3: $(STAMP) ## the path and the uploads with evidence on a real S3 server, two replicas (some minutes)
	@$(UV) sync --frozen --inexact --quiet --group s3
	$(RUN)pytest --evidence s3 $(if $(T),$(T),libs/kit/tests/test_blobs.py services/execution/tests/test_uploads.py services/execution/tests/test_evidence.py services/records/tests/test_evidence.py tests/s3 tests/path)

test-kubernetes: $(STAMP) ## render every manifest and hold it against the Kubernetes API's schemas (brings kubectl)
	@$(UV) sync --frozen --inexact --quiet --group kubernetes
	$(RUN)pytest deploy/kubernetes/tests deploy/kubernetes/tests/rendered

check: $(STAMP) ## style, types, imports, contracts beside the last release, then the tests (CI runs it, then test-browser)
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

manifests: $(STAMP) ## write Strimzi's topics and users from the contracts
	$(RUN)truth topics render > deploy/kubernetes/kafka/topology.yaml

mutants: $(STAMP) ## take each check out of the verifier; the tests must notice (some minutes)
	$(RUN)python libs/sealing/tests/mutants

simulate: $(STAMP) ## the path in memory, steps in any order, with faults (SEED=n RUNS=m; PLANT="no inbox" to see a bug found)
	@$(RUN)python -m tests.faults.simulation $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) $(if $(PLANT),--plant "$(PLANT)")

crash-points: $(STAMP) ## kill -9 every service at every point, restart, check (ONLY=intake for a part; 10 minutes and more)
	@$(RUN)python -m tests.faults.crash $(if $(ONLY),--only "$(ONLY)")

mutants-hop: $(STAMP) ## take each protection of the hop out; something must notice (10 minutes and more)
	@$(RUN)python -m tests.faults.mutants

chaos: $(STAMP) ## storms of faults over the whole system, every promise checked afterwards (SEEDS=20 MINUTES=3 SEED=first WORKERS=64)
	@$(RUN)python -m tests.faults.chaos run $(if $(SEEDS),--seeds $(SEEDS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--first $(SEED)) $(if $(WORKERS),--workers $(WORKERS))

bench: $(STAMP) ## measure against bare loops, a monolith and DBOS, as ratios (PART=paths, hop, outbox, sealing; QUICK=1: a quick look)
	@$(UV) sync --frozen --inexact --quiet --group bench
	@$(RUN)python -m tests.bench $(if $(PART),--part $(PART)) $(if $(QUICK),--quick)

plots: $(STAMP) ## draw what the last whole `make bench` measured, and write it into the pages that show it
	@$(UV) sync --frozen --inexact --quiet --group bench
	@$(RUN)python -m tests.bench.plots
	@$(RUN)python -m tests.bench.pages

soak: $(STAMP) ## 50,000 requests through the whole system: memory, tables and times must stay as they are (REQUESTS=n)
	@$(RUN)python -m tests.bench.soak $(if $(REQUESTS),--requests $(REQUESTS))

rights: $(STAMP) ## find out who may do what, and write it down as what is expected (read the diff before you commit it)
	@$(RUN)python -m tests.security

ops: $(STAMP) ## rules in promtool, a real Prometheus, spans, Kafka away, 1,000 requests counted, 100,000 messages (PART=rules, prometheus, collector, traces, kafka, counters, many)
	@for part in $(or $(PART),rules prometheus collector traces kafka counters many); do $(RUN)pytest tests/ops/by_command -k $$part || exit 1; done

hostile: $(STAMP) ## 100,000 hostile messages through a system of its own (MESSAGES=n SEED=n)
	@$(RUN)python -m tests.security.hostile $(if $(MESSAGES),--messages $(MESSAGES)) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP) ## invented requests to every operation of the APIs as everybody, a system of its own; some minutes (CASES=n each, SEED=n)
	@$(RUN)python -m tests.security.fuzz $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED))

budgets: $(STAMP) ## count what a path costs, and write it down as what is agreed (read the diff before you commit it)
	@TRUTH_BUDGETS=agree $(RUN)pytest -q tests/budget/test_budget.py
