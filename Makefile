# `make demo` and `make test` set themselves up; nothing else has to be done first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test test-all lint bench results docs clean

setup: .venv/.complete

.venv/.complete: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[train,dev]"
	touch $@

demo: setup
	$(BIN)/mrnet demo --output demo

test: setup
	$(BIN)/pytest

test-all: setup
	$(BIN)/pytest -m ""

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive mrnet_cli benchmarks

bench: setup
	$(BIN)/python benchmarks/davis.py

results: bench
	$(BIN)/python benchmarks/figures.py

docs: setup
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

clean:
	rm -rf .venv demo site
