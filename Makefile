# SPDX-License-Identifier: GPL-2.0-or-later
# Two commands for everybody: `make lab` sets up and runs the main job, `make test` passes the tests.
# The others are for those who work on pfnlab itself.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PYTEST_ARGS ?=
RUN_ARGS ?=
# What is fetched if it can be: `uml` is the User-Mode Linux kernel of the machine's own suite; uml:all, qemu:all.
KERNELS ?= uml

.PHONY: lab test kernel lint types bench wheel clean help

help:
	@echo "make lab     set up (virtual environment, install, a User-Mode Linux kernel) and check this machine's kernels"
	@echo "make test    set up and run the tests"
	@echo "make lint types bench wheel clean"

# The report is the point: a verdict other than agreement must not read as a failed make, so the exit status is pfnlab's own.
lab: $(VENV)/.lab kernel
	$(BIN)/pfnlab run $(RUN_ARGS)

test: $(VENV)/.test kernel
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# Without apt or without a network there is no kernel to fetch; the lab still runs, on what the host offers.
kernel: $(VENV)/.lab
	@for name in $(KERNELS); do \
		$(BIN)/pfnlab kernels fetch $$name || echo "pfnlab: no kernel $$name here; going on with what there is"; \
	done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "pfnlab: needs Python 3.11 or later, found $$($(PYTHON) --version); say which with: make PYTHON=/path/to/python3 lab"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "pfnlab: needs Python's venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@command -v gcc >/dev/null || echo "pfnlab: no gcc found: targets host, uml and qemu need it (on Debian: apt-get install gcc libc6-dev); the simulator works without"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: pyproject.toml setup.py native/ops.c native/sys.h | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python -m pytest --benchmark-only

wheel: $(VENV)/.dev
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
