# Two commands for a newcomer: `make demo` and `make test`.
PYTHON ?= python3
# More than there are cores: a test waits for a third of its time.
WORKERS ?= 5
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check servers grafana pictures clean help
help: ## Say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tallyport needs Python 3.11 or newer; this is $$($(PYTHON) --version). Say: make PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Tallyport and what it needs into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## Emulated devices, an edge, a broker and central in one go, on a local page
	$(BIN)/tallyport demo

servers: ## Install the servers that the tests start, where they are missing (Debian packages)
	@tests/install_servers

test: $(STAMP) servers ## Lint, types, architecture and every test
	@tests/install_esphome $(BIN)/python >/dev/null 2>&1 & \
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup || { \
	test $$? = 1 || exit 2; \
	echo "Those that failed beside the others are run once more, by themselves. What fails again is broken;"; \
	echo "what does not cannot stand a busy machine, which is a defect of the test or of what it tests."; \
	$(BIN)/python -m pytest -n 0 --last-failed --last-failed-no-failures none; }

grafana: $(STAMP) ## Write the Grafana dashboards of deploy/grafana anew
	$(BIN)/python -m tallyport.grafana

pictures: $(STAMP) ## Take the pictures of the documentation anew (needs Chromium)
	$(BIN)/python -m tests.screens.pictures

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
