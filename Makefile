# Every target sets up what it needs in .venv, on a machine that has only Python and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
export TOKENIZERS_PARALLELISM := false

.PHONY: demo test test-slow check bench docs examples clean

demo: .venv/run.stamp  ## compress a sentiment model, audit it, open demo/report.html
	$(BIN)/angelshare demo --out demo

test: .venv/dev.stamp  ## the fast suite
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

test-slow: .venv/dev.stamp  ## real weights and data, clean environments; ANGELSHARE_DATA and ANGELSHARE_MODELS where at hand
	$(BIN)/pytest -m slow --timeout 3000

check: .venv/dev.stamp  ## style, types, import direction, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

bench: .venv/dev.stamp  ## ours against named peers, interleaved
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

docs: .venv/dev.stamp  ## regenerate docs/cli.md and build the site into site/
	$(BIN)/python docs/generate.py
	$(BIN)/zensical build

examples: .venv/run.stamp  ## the worked examples on real data; needs ANGELSHARE_DATA and ANGELSHARE_MODELS
	for file in examples/*.sh; do PATH="$(CURDIR)/$(BIN):$$PATH" sh $$file || exit 1; done

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "angelshare needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) torch==2.13.0
	$(PIP) -e '.[train,demo]'
	@touch $@

.venv/dev.stamp: .venv/run.stamp
	$(PIP) -e '.[train,demo,dev,ray]'
	@touch $@

clean:
	rm -rf .venv demo site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
