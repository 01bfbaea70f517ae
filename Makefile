# Needs Python 3.11 and nothing else. All that is installed goes into .venv, from the hash-pinned locks;
# the tests' BigQuery, which wants other versions, into .venv-bigquery, and programs that read what we write for
# them into .venv-consumers. `make prove` installs PyTorch, of five gigabytes, into .venv-torch.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
BIGQUERY := .venv-bigquery
TORCH := .venv-torch
CONSUMERS := .venv-consumers
PORT ?= 3000
WEB_PORT ?= 3001
PIP := -m pip install --disable-pip-version-check --quiet --no-deps
CODE := dataset_assets definitions resources
COMPILE := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-strip-extras --no-annotate \
	--no-header --universal --python-version 3.11
PROJECT := pyproject.toml --extra demo --group build
TESTED := --extra openlineage --extra huggingface --extra notebook --extra polars
PRODUCTION := pyproject.toml --extra production --group build

.PHONY: help demo ui test prove check bench hooks lock clean
.DELETE_ON_ERROR:

help:  ## what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */  make \1\t/'

demo: $(VENV)/.runtime  ## publish the demo's datasets
	$(BIN)/dataset-assets demo

# Ctrl-C ends both. Dagster runs in the foreground: the shell lets what runs in the background ignore Ctrl-C,
# and Dagster's own processes would outlive it.
ui: $(VENV)/.runtime  ## open Dagster on http://127.0.0.1:3000 and the datasets on 3001 (PORT=…, WEB_PORT=…)
	@echo "Dagster:  http://127.0.0.1:$(PORT)"
	@echo "Datasets: http://127.0.0.1:$(WEB_PORT)"
	@$(BIN)/dataset-assets serve --port $(WEB_PORT) --dagster http://127.0.0.1:$(PORT) & serve=$$!; \
	trap 'kill $$serve 2>/dev/null; wait $$serve' EXIT; trap : INT; \
	sleep 3; kill -0 $$serve 2>/dev/null || exit 1; \
	$(BIN)/dagster dev --host 127.0.0.1 --port $(PORT)

test: $(VENV)/.dev $(BIGQUERY)/.installed $(CONSUMERS)/.installed  ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

prove: $(VENV)/.dev $(BIGQUERY)/.installed $(CONSUMERS)/.installed $(TORCH)/.installed  ## run the tests with all their random cases, and the long proofs: hours
	DATASET_ASSETS_PROVE=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal
	$(BIN)/python -m tests.torch.torch_check $(TORCH)/lib/python3.11/site-packages

check: $(VENV)/.dev  ## lint, format, types, layers, code that is there twice
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check
	$(BIN)/lint-imports
	$(BIN)/pylint --score=n $(CODE)

bench: $(VENV)/.dev  ## measure against the bounds of benchmarks/
	$(BIN)/python -m benchmarks

hooks: $(VENV)/.dev  ## let git run the checks before each commit
	$(BIN)/pre-commit install

# Versions that still fit stay as they are; `make lock UPGRADE=--upgrade` takes the newest ones.
# Only this needs uv (`pip install uv`). The project's three pin the same versions: one constrains the others.
lock:  ## write the locks anew from pyproject.toml and the tests' requirements.in
	$(COMPILE) $(UPGRADE) $(PROJECT) $(TESTED) --group dev --output-file requirements-dev.lock
	cp requirements-dev.lock requirements-dev.lock.constraint
	$(COMPILE) $(UPGRADE) $(PROJECT) --constraint requirements-dev.lock.constraint --output-file requirements.lock
	$(COMPILE) $(UPGRADE) $(PRODUCTION) --constraint requirements-dev.lock.constraint --output-file deploy/requirements.lock
	rm requirements-dev.lock.constraint
	$(COMPILE) $(UPGRADE) tests/bigquery/requirements.in --output-file tests/bigquery/requirements.lock
	$(COMPILE) $(UPGRADE) tests/torch/requirements.in --output-file tests/torch/requirements.lock
	$(COMPILE) $(UPGRADE) tests/consumers/requirements.in --output-file tests/consumers/requirements.lock

clean:  ## remove what was built, installed and published; the datasets' definitions stay
	rm -rf $(VENV) $(BIGQUERY) $(CONSUMERS) $(TORCH) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf data warehouse .dagster_storage .tmp_dagster_home*

$(VENV)/.created $(BIGQUERY)/.created $(CONSUMERS)/.created $(TORCH)/.created: %/.created:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not there: install Python 3.11, or say PYTHON=<path>"; exit 1; }
	$(PYTHON) -m venv $*
	@touch $@

$(VENV)/.runtime: $(VENV)/.created requirements.lock pyproject.toml
	@echo "Installing the packages of requirements.lock: about two minutes the first time"
	$(BIN)/python $(PIP) --require-hashes -r requirements.lock
	$(BIN)/python $(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "Installing the packages of requirements-dev.lock"
	$(BIN)/python $(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(BIGQUERY)/.installed: tests/bigquery/requirements.lock
$(CONSUMERS)/.installed: tests/consumers/requirements.lock
$(TORCH)/.installed: tests/torch/requirements.lock
$(BIGQUERY)/.installed $(CONSUMERS)/.installed $(TORCH)/.installed: %/.installed: %/.created
	@echo "Installing the packages of $(filter %.lock,$^): about a minute the first time"
	$*/bin/python $(PIP) --require-hashes -r $(filter %.lock,$^)
	@touch $@
