# `make demo` and `make test` set themselves up; nothing else has to be done first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test test-all lint bench clean

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

bench: setup
	$(BIN)/python benchmarks/davis.py

clean:
	rm -rf .venv demo
