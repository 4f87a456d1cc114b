# `make demo` and `make test` set themselves up; nothing else has to be done first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test test-all lint bench results docs wheel clean

setup: .venv/.complete

.venv/.complete: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[train,onnx,dev]"
	touch $@

demo: setup
	$(BIN)/mrnet demo --output demo

test: setup
	$(BIN)/pytest -n auto --dist worksteal

test-all: setup
	$(BIN)/pytest -n auto --dist worksteal -m ""

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive mrnet_cli benchmarks

bench: setup
	$(BIN)/python benchmarks/davis.py --runs runs

results: bench
	$(BIN)/python benchmarks/davis.py --year 2016 --adapt 240 --dtype bfloat16 --runs runs/adapted
	$(BIN)/python benchmarks/davis.py --year 2016 --adapt 240 --dtype bfloat16 --runs runs/adapted --weights results/larger.safetensors
	$(BIN)/python benchmarks/figures.py
	$(BIN)/python benchmarks/report_page.py

docs: setup
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# what a user installs: the wheel in an environment of its own, the demo run where no source tree is
wheel: setup
	rm -rf dist .wheel
	$(BIN)/python -m pip install --quiet build twine
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv .wheel
	.wheel/bin/python -m pip install --quiet dist/*.whl
	cd .wheel && bin/mrnet demo --output demo
	.wheel/bin/python -m pip check

clean:
	rm -rf .venv .wheel demo dist site
