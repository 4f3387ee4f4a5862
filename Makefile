# Every target sets up what it needs: only Python 3.11 (or newer) and make have to be there.
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13,$(shell command -v $(name))))
BIN := .venv/bin

.PHONY: .venv demo docs test test-quick test-browser check format

.venv: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "derain needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: .venv/installed
	$(BIN)/derain demo --out demo

test: check
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# Between edits: without the slow tests and those on real photographs.
test-quick: .venv/installed
	DERAIN_DATA= DERAIN_GOLDENS= $(BIN)/python -m pytest tests -m "not slow" --numprocesses 2 --dist loadfile

# The web page in a real browser; Chromium comes from Debian's packages where it is not installed.
test-browser: .venv/installed
	command -v chromium || (apt-get update && apt-get install --yes --no-install-recommends chromium)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	$(BIN)/python -m pytest tests/browser

# The pages as a site in site/: broken links, missing anchors and pages without a title stop it; nothing comes from the network.
docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
