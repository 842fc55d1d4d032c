# Every target sets up what it needs. PYTHON names the interpreter that makes the environment (3.11 or newer).
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# pytest's workers: one more than there are cores, since a third of the time one of them waits for a server, a browser
# or a lock; at most 5.
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$((n + 1)))
# Neighbours stay with one worker, and share what their module sets up, until another worker has nothing left.
TOGETHER = -n $(JOBS) --dist worksteal

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Containers often set it; then each worker would compile the product and rewrite the assertions of all tests anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup hooks demo studio test test-sqlite test-postgres collected mutants torture check format words bench sbom audit attack integration lock clean gpu-check

help:
	@echo "make demo    set everything up and train a model on synthetic tickets"
	@echo "make studio  the Studio in the browser, on this machine, with the demo's organisation signed in"
	@echo "make test    all tests, on SQLite and on PostgreSQL"
	@echo "make check   format, lint, types, import contracts, migrations, subjects of commits"
	@echo "make hooks   git asks for the form of subjects at each commit"
	@echo "make words   collect the sentences for translators, and compile (LANGUAGE=nl begins a new language)"
	@echo "make bench   measure, and update docs/benchmarks.md"
	@echo "make sbom    what the product is made of, as CycloneDX, below dist/"
	@echo "make audit   holds the locked packages against known vulnerabilities, where a database is reached"
	@echo "make attack  what strangers try, on this machine alone, in less than ten minutes"
	@echo "make integration  against programs of others (Request Tracker), installed where they are missing"
	@echo "make gpu-check  what this machine's GPU does with larger encoders, in at most eight minutes"
	@echo "make torture the long proofs"
	@echo "make mutants whether the tests notice a changed rule (part of torture)"
	@echo "make setup   only prepare $(VENV), with all that the tests need"

$(VENV)/base: requirements/base.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/base.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/encoders: $(VENV)/base requirements/encoders.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements/encoders.lock
# torch has no one hash: the processor's, the GPU's and a local build of one version differ (docs/encoders.md).
	$(BIN)/pip install --quiet torch==2.13.0
	@touch $@

$(VENV)/dev: $(VENV)/encoders requirements/dev.lock requirements/ray.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.lock -r requirements/ray.lock
	@touch $@

setup: $(VENV)/dev

demo: $(VENV)/base
	@OTAI=$(BIN)/otai ./demo.sh

# The demo's installation, served on this machine, with a worker beside it. The browser opens signed in as the demo's Alice.
studio: $(VENV)/base
	@test -e .demo/is-demo || OTAI=$(BIN)/otai ./demo.sh
	@OTAI_HOME=$(CURDIR)/.demo $(BIN)/otai init >/dev/null
	@OTAI_HOME=$(CURDIR)/.demo $(BIN)/otai studio --demo

test: test-sqlite test-postgres

test-sqlite: setup
	$(BIN)/pytest $(TOGETHER) --database sqlite -m "not torture"

test-postgres: setup
	$(BIN)/pytest $(TOGETHER) --database postgres -m "not torture"

# In a new clone each worker would rewrite the assertions of all tests, at the same time as the others.
collected: setup
	@$(BIN)/pytest --collect-only --quiet --database sqlite >/dev/null

# Each mutant of what decides about money, rights and promises against the tests of its room (pyproject.toml, tool.mutmut).
# Of one file: make mutants FILES=otai/orgs/founders.py TESTS=tests/billing/test_gifts.py
mutants: setup
	rm -rf mutants
	$(BIN)/python -m tests.mutants run --children $(JOBS) --files $(FILES) --tests $(TESTS)

torture: setup mutants
	$(BIN)/pytest --database sqlite -m torture --timeout 3600
	$(BIN)/pytest --database postgres -m torture --timeout 3600

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m otai.config.manage makemigrations --check --dry-run
	$(BIN)/python -m tests.subjects

hooks:
	git config core.hooksPath .githooks

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tests.docs.prose

# Both run, whatever lacks a translation: each says what.
words: setup
	@$(BIN)/python -m tests.words.book $(LANGUAGE); words=$$?; $(BIN)/python -m tests.web.strings $(LANGUAGE) && exit $$words

bench: setup
	$(BIN)/python -m benchmarks $(BENCH)

# The same lock makes the same file. torch stands in no lock (docs/dependencies.md).
SBOM = $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --short-PURLs --output-reproducible --of JSON
sbom: setup
	@mkdir -p dist
	$(SBOM) --output-file dist/otai.cdx.json requirements/base.lock
	(cat requirements/encoders.lock; echo torch==2.13.0) | $(SBOM) --output-file dist/otai-encoders.cdx.json -
	$(SBOM) --output-file dist/otai-ray.cdx.json requirements/ray.lock

# Exit code 3 of the program: no database was reached, and nothing is proven.
audit: setup
	$(BIN)/python -m tests.advisories

ATTACKS = $$($(BIN)/python -m tests.attack.modules)
# Bounded, against servers of its own behind TLS on this machine; what is quick of it runs in make test as well.
attack: setup
	timeout 120 $(BIN)/pytest $(TOGETHER) --database sqlite -m "attack and pure" $(ATTACKS)
	timeout 480 $(BIN)/pytest $(TOGETHER) --database postgres -m attack $(ATTACKS)

# Against programs of others, installed where they are missing (as root on Debian).
integration: setup
	timeout 900 $(BIN)/python -m tests.helpdesks.real_request_tracker
	timeout 1800 $(BIN)/python -m tests.open_ticket_ai.real_open_ticket_ai

COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-emit-options --strip-extras --generate-hashes --allow-unsafe

# Exit code 3 of the program: there is no GPU here.
gpu-check: $(VENV)/encoders
	$(BIN)/python -m benchmarks.gpu_check

lock: $(VENV)/dev
	$(COMPILE) --output-file requirements/base.lock pyproject.toml
	$(filter-out --allow-unsafe,$(COMPILE)) --unsafe-package torch --unsafe-package sentence-transformers --unsafe-package setuptools \
		--output-file requirements/encoders.lock requirements/encoders.in
	$(COMPILE) --output-file requirements/dev.lock requirements/dev.in
	$(COMPILE) --output-file requirements/ray.lock requirements/ray.in

clean:
	rm -rf $(VENV) .demo .bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
