# make demo: the whole chain on a simulated scene.  make test: lint, types, tests.  make docs: the documentation.
# make install: the environment alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2

.PHONY: help install demo test docs lint format clean

help:
	@sed -n 1,2p Makefile

install: $(STAMP)

$(STAMP): requirements/constraints.txt requirements/runtime.txt requirements/tests.txt requirements/mask2former.txt requirements/docs.txt setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt -e '.[tests,docs]'
	@touch $(STAMP)

demo: install
	$(BIN)/python tools/demo.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q

docs: install
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -c docs -q -W --keep-going -j $(JOBS) . docs/_build/html

clean:
	rm -rf $(VENV) docs/_build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
