# `make run` tries Facteur; `make test` and `make lint` are what CI runs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test lint bench soak fuzz lock clean

run: $(VENV)/runtime.stamp
	@exec $(BIN)/python manage.py up

test: $(VENV)/dev.stamp
	@.ci/packages
	@$(BIN)/python -m tests.support.runs

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.support.clean -m mypy .
	$(BIN)/python -m tests.support.clean manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest --quiet tests/test_layers.py

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench
	$(BIN)/python -m bench.pages
	$(BIN)/python -m bench.screening

# More of the nonsense and of the attacks that `make test` tries.
fuzz: $(VENV)/dev.stamp
	FUZZ_TIMES=$${FUZZ_TIMES:-100} $(BIN)/python -m pytest tests/relay/test_attacks.py

# Ten thousand mails by PHP while what delivers them is killed every few seconds.
soak: $(VENV)/dev.stamp
	@.ci/packages
	$(BIN)/python -m tests.support.soak
	$(BIN)/python -m tests.support.soak --postgresql

# After a change of the dependencies in pyproject.toml.
lock: $(VENV)/dev.stamp
	$(BIN)/python -m tests.support.lock

# The environment only; data are never touched.
clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# pip comes last into a new environment: without it, one that was begun is made anew.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Facteur needs Python 3.11 or newer; $(PYTHON) is older, or missing." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV)…"
	@$(PYTHON) -m venv --clear $(VENV)

# A stamp is written last, so that what was interrupted is done again.
$(VENV)/runtime.stamp: requirements.lock | $(BIN)/pip
	@echo "Installing what Facteur runs with (once)…"
	@$(PIP) --requirement requirements.lock
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock | $(BIN)/pip
	@echo "Installing what its tests need (once)…"
	@$(PIP) --requirement requirements-dev.lock
	@touch $@ $(VENV)/runtime.stamp
