# make demo: a map of a simulated scene.  make test: lint, types, tests.  make docs: the documentation.
# make install: the environment alone.  make unit TESTS=tests/io: some tests.  make slow: the tests that take long.
PYTHON ?= python3
# Empty: the newest versions that fit.
CONSTRAINTS ?= requirements/constraints.txt
JOBS ?= 2
TESTS ?= tests
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMP := $(VENV)/.installed

.PHONY: help install demo test unit slow docs lint format clean

help:
	@sed -n 1,2p Makefile

install: $(STAMP)

$(STAMP): $(wildcard requirements/*.txt) setup.py
	@echo 'installs mmhsi and its packages into $(VENV): 7 GB, some 5 minutes'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(addprefix -c ,$(CONSTRAINTS)) -e '.[tests,docs]'
	@touch $(STAMP)
	@echo 'installed; now: . $(BIN)/activate, then mmhsi demo'

demo: install
	$(BIN)/python tools/demo.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint unit

# What takes seconds of several processes each, and configs on the rest of their data, is run by `make slow` instead.
unit: install
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q -m 'not slow' $(TESTS)

slow: install
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q -m slow $(TESTS)

docs: install
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -c docs -q -W --keep-going -j $(JOBS) . docs/_build/html

clean:
	rm -rf $(VENV) docs/_build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
