PYTHON ?= python

.PHONY: install check test heavy bless bench clean

install:  ## an editable install with everything tests and linters need
	$(PYTHON) -m pip install -e '.[test,lint]'

check:  ## lint and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

test:  ## the quick suite
	$(PYTHON) -m pytest

heavy:  ## the slow suite
	$(PYTHON) -m pytest -m heavy

bless:  ## accept what the golden tests see now
	$(PYTHON) -m pytest tests/sources tests/evidence tests/scoring tests/readers --bless

bench:  ## the performance contract, as a table
	$(PYTHON) -m tests.benchmarks

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
