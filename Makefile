# The two commands are `make demo` and `make test`; both set up all they need in .venv first.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test hostile lint format messages bench docs clean

demo: $(READY)
	$(VENV)/bin/grade submissions/alice --spec select

test: $(READY)
	$(VENV)/bin/pytest -n auto

hostile: $(READY)
	$(VENV)/bin/python tests/hostile/run.py namespaces user
	$(VENV)/bin/python tests/hostile/run.py process user
	[ "$$(id -u)" -ne 0 ] || $(VENV)/bin/python tests/hostile/run.py namespaces root
	[ "$$(id -u)" -ne 0 ] || $(VENV)/bin/python tests/hostile/run.py process root

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

messages: $(READY)
	$(VENV)/bin/python translations/catalogues.py

bench: $(READY)
	$(VENV)/bin/python benchmarks/stuck_versus_right.py
	$(VENV)/bin/python benchmarks/every_model.py
	$(VENV)/bin/python benchmarks/class_page.py
	$(VENV)/bin/python benchmarks/whole_class.py
	$(VENV)/bin/python benchmarks/against_others.py

docs: $(READY)
	$(VENV)/bin/sphinx-build --fail-on-warning --keep-going --nitpicky --quiet docs build/site
	@echo "build/site/index.html"

clean:
	rm -rf $(VENV) grade-report dist build docs/_generated

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "Python's venv module is needed: install Debian's package python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
