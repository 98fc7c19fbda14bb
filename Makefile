# What people and machines type. `make help` lists it.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt
REQUIREMENTS := $(BIN)/python -c 'import sys, tomllib; \
	project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*project["dependencies"], *project["optional-dependencies"].get(sys.argv[1], ()), sep="\n")'
# Exits 0 in a Python that BotFlow can use: its version, its SQLite, and the means to make a .venv.
SUITABLE := import sys, ensurepip, venv, sqlite3; \
	sys.exit(not ((3, 11) <= sys.version_info < (3, 14) and sqlite3.sqlite_version_info >= (3, 35)))
TEMPLATES = $(wildcard templates */templates)

.DEFAULT_GOAL := help
.PHONY: help install run langchain test lint screenshots bench

help:
	@echo "make run       install what is missing, start BotFlow, print its address"
	@echo "make install   only make the environment ($(VENV)), with the tools of tests and lint"
	@echo "make langchain add LangChain and LangGraph, for agents that are made with them"
	@echo "make test      the whole test suite; ARGS='tests/site -k start' for a part of it"
	@echo "make lint      format, style, types, templates, migrations, production settings"
	@echo "make screenshots  the pictures of the chat page in docs/screenshots"
	@echo "make bench     a short run of every benchmark"

# With the tools of tests and lint; `make run` makes do without them.
install: $(VENV)/.installed-dev

run: $(VENV)/.installed
	@$(BIN)/python manage.py start

langchain: $(VENV)/.installed-langchain

test: install
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m tests.lanes
endif

lint: install
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy .
	$(BIN)/python -m djlint --quiet --lint $(TEMPLATES)
	$(BIN)/python manage.py makemigrations --check --dry-run
	env -u DEBUG BOTFLOW_HTTPS=true ALLOWED_HOSTS=chat.example.org \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

screenshots: install
	$(BIN)/python -m tests.gallery.take

bench: install
	@for benchmark in $$(grep -l __main__ benchmarks/*.py); do \
		echo "== $$benchmark"; $(BIN)/python $$benchmark || exit; \
	done

$(BIN)/python:
	@for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
		if "$$candidate" -c '$(SUITABLE)' 2>/dev/null; then \
			echo "Making $(VENV) with $$("$$candidate" --version) …"; \
			exec "$$candidate" -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "BotFlow needs Python 3.11, 3.12 or 3.13 with the venv module and SQLite 3.35 or newer," >&2; \
	echo "and none was found. On Debian: apt install python3 python3-venv." >&2; \
	echo "For one that is not on the PATH: make run PYTHON=/path/to/python3" >&2; \
	exit 1

# Stamps: nothing is installed again until the pins change.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing BotFlow's packages into $(VENV) (a minute or two) …"
	@$(REQUIREMENTS) runtime > $(VENV)/requirements.txt
	@$(PIP) -r $(VENV)/requirements.txt
	@touch $@

$(VENV)/.installed-langchain: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing LangChain and LangGraph into $(VENV) (a minute or two) …"
	@$(REQUIREMENTS) langchain > $(VENV)/requirements-langchain.txt
	@$(PIP) -r $(VENV)/requirements-langchain.txt
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the tools for tests into $(VENV) (a minute or two) …"
	@$(REQUIREMENTS) dev > $(VENV)/requirements-dev.txt
	@$(PIP) -r $(VENV)/requirements-dev.txt
	@touch $@ $(VENV)/.installed
