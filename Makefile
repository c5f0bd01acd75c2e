# Every verb sets up what it needs; `make` alone lists them. CI calls the same verbs (.ci/run).
.DEFAULT_GOAL := help
.PHONY: help setup run dev web web-test web-api test test-fast test-slow test-browser lighthouse test-faults test-stack test-redis lint format types bench docs docs-check image up down clean

# The caller's own Python environment must not leak in.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

PYTHON_IN := .venv/bin/python
UV := .make/uv/bin/uv
JOBS ?= 2
IMAGE ?= shortly:local
REPORTS := .make/reports
CODE := src tests bench scripts

help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## make .venv hold exactly what uv.lock names
	@scripts/setup.sh

run: setup ## serve on http://localhost:8000, data in ./data
	@scripts/web.sh --if-possible
	@scripts/with-env.sh scripts/welcome.sh
	@exec scripts/with-env.sh .venv/bin/shortly serve

dev: setup ## the same, started anew at every change in src/
	@scripts/web.sh --if-possible
	@echo 'dev: for the web app with every change at once: scripts/node.sh npm --prefix web run dev (port 3000)' >&2
	@scripts/with-env.sh scripts/welcome.sh
	@exec scripts/with-env.sh $(PYTHON_IN) scripts/dev.py

web: setup ## build the web app into src/shortly/ui, if web/ changed
	@scripts/web.sh

web-test: web ## the web app: biome, types, unit tests, size, an API client that is up to date
	@scripts/node.sh npm --prefix web run --silent lint
	@scripts/node.sh npm --prefix web run --silent types
	@scripts/node.sh npm --prefix web run --silent test
	@scripts/node.sh npm --prefix web run --silent size
	@scripts/web-api.sh --check

web-api: setup ## write the web app's API client anew
	@scripts/web-api.sh

test: setup ## everything: lint, types, tests, faults
	@scripts/system-packages.sh wrk mount mkfs.ext4 curl redis-server openssl chromium
	@rm -rf $(REPORTS)
	@scripts/stage.sh lint $(MAKE) --no-print-directory lint
	@scripts/stage.sh types $(MAKE) --no-print-directory types
	@scripts/stage.sh web $(MAKE) --no-print-directory web-test
	@scripts/stage.sh 'fast tests' $(MAKE) --no-print-directory test-fast
	@scripts/stage.sh 'slow tests' $(MAKE) --no-print-directory test-slow
	@scripts/stage.sh 'browser tests' $(MAKE) --no-print-directory test-browser
	@scripts/stage.sh 'fault tests' $(MAKE) --no-print-directory test-faults

test-fast: setup ## the tests for while you work, under 2 minutes
	@scripts/system-packages.sh redis-server openssl
	@$(PYTHON_IN) -m pytest -n $(JOBS) -m 'not slow and not faults and not stack' --junitxml=$(REPORTS)/fast.xml $(ARGS)

test-slow: setup ## tests that start servers, build packages, generate input
	@$(PYTHON_IN) -m pytest -n $(JOBS) --dist loadfile -m 'slow and not faults and not e2e' --junitxml=$(REPORTS)/slow.xml $(ARGS)

test-browser: web ## whole journeys in a real browser
	@scripts/system-packages.sh chromium redis-server
	@$(PYTHON_IN) -m pytest -n $(JOBS) --dist worksteal -m e2e --junitxml=$(REPORTS)/e2e.xml $(ARGS)

lighthouse: web ## scores of the home screen, at least 95
	@scripts/system-packages.sh chromium
	@$(PYTHON_IN) scripts/lighthouse.py $(ARGS)

test-faults: setup ## kill, fill and cut real processes
	@$(PYTHON_IN) -m pytest -m faults --junitxml=$(REPORTS)/faults.xml $(ARGS)

test-stack: setup ## the whole installation in containers: TLS, scaling, updates, outages
	@$(PYTHON_IN) -m pytest -m stack --junitxml=$(REPORTS)/stack.xml $(ARGS)

REDIS_TESTS = SHORTLY_TEST_EVERY_REDIS=1 SHORTLY_TEST_REDIS_SERVER=$(or $(SERVER),redis-server) $(PYTHON_IN) -m pytest \
	tests/store/test_contract_*.py tests/store/test_redis_*.py tests/faults/test_redis_*.py
REDIS_REPORT = $(REPORTS)/redis$(if $(SERVER),-$(subst /,-,$(SERVER)))

test-redis: setup ## the Redis engine on every kind of installation; SERVER=/path/to/valkey-server: on that one
	@scripts/system-packages.sh redis-server openssl
	@$(REDIS_TESTS) -n $(JOBS) --dist loadfile -m 'slow and not faults' --junitxml=$(REDIS_REPORT).xml $(ARGS)
	@$(REDIS_TESTS) -m faults --junitxml=$(REDIS_REPORT)-faults.xml $(ARGS) || [ $$? = 5 ] # ARGS may choose none of them

lint: setup ## ruff: rules and formatting
	@.venv/bin/ruff check $(wildcard $(CODE))
	@.venv/bin/ruff format --check $(wildcard $(CODE))

format: setup ## let ruff mend what it can
	@.venv/bin/ruff check --fix $(wildcard $(CODE))
	@.venv/bin/ruff format $(wildcard $(CODE))

types: setup ## mypy, strict, code and tests, for the oldest and the newest Python
	@.venv/bin/mypy --python-version 3.11 $(wildcard $(CODE))
	@.venv/bin/mypy --python-version 3.14 $(wildcard $(CODE))

bench: setup ## measure, and print the table that the README shows
	@scripts/system-packages.sh wrk nginx taskset setpriv redis-server redis-benchmark
	@$(PYTHON_IN) bench/run.py $(ARGS)

docs: setup ## write docs/reference anew
	@$(PYTHON_IN) -m shortly.cli.reference
	@$(PYTHON_IN) scripts/frontend_headers.py

docs-check: setup ## fail when docs/reference is not what `make docs` writes
	@$(PYTHON_IN) -m shortly.cli.reference --check
	@$(PYTHON_IN) scripts/frontend_headers.py --check

image: ## build the container image of the backend
	@docker build -f deploy/docker/backend.Dockerfile -t $(IMAGE) .

up: ## build and start the whole installation, nginx and Redis included, and wait until it is ready
	@docker compose up -d --build --wait

down: ## stop it; the data stays in its volumes
	@docker compose down

clean: ## remove what tools left; .venv and data stay
	@rm -rf dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache $(REPORTS)
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
