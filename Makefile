# What a person types. Whatever is needed is set up on the way: see scripts/setup.
#
#   make demo ARGS="--seconds 20"      make test ARGS="-k capture"      PYTHON=python3.12 make test

PYTHON ?=
# The Python that was asked for by name gets an environment of its own.
version := $(if $(PYTHON),-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
VENV := .venv$(version)
ARGS ?=
JOBS ?= 2

export PYTHON VENV

.PHONY: help demo test test-ha lint install clean

help:
	@echo 'make demo    the whole product on sample cameras, with nothing of yours'
	@echo 'make test    every check and every test'
	@echo 'make test-ha what real Home Assistants make of it; installs them first (300 MB)'
	@echo 'make lint    ruff and mypy only'
	@echo 'make install edged as a service of this box (as root)'
	@echo 'make clean   remove what the others have made'

demo:
	@scripts/setup demo
	@exec $(VENV)/bin/edged demo $(ARGS)

test: lint
	$(VENV)/bin/pytest -n $(JOBS) --dist loadfile $(ARGS)

test-ha:
	@scripts/setup test
	@scripts/test-ha -n $(JOBS) $(ARGS)

lint:
	@scripts/setup test
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

install:
	@scripts/install

clean:
	rm -rf .venv .venv-* build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
