# make install · run [CORPUS=folder] [PORT=8001] [MODEL=name] [VERBOSE=1] · test · soak · lock · widget
# make extras: every extra, and what their tests need (400 MB); without it those tests are skipped
# Needs Python >= 3.11 with venv and pip, and nothing else; changing the widget needs node >= 18.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := uv==0.13.9

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without bytecode each start compiles some thousand files again, which doubles the time it takes.
unexport PYTHONDONTWRITEBYTECODE
# More test processes than cores: much of a test is waiting for a start, a deadline or a page.
TESTERS ?= 4

.PHONY: install extras run test soak lock widget
.DELETE_ON_ERROR:

install: $(STAMP)

extras: $(VENV)/.extras

# uv does not read pip's configuration, so where pip's registry is named there, uv is told of it.
define install_locked
quiet=--quiet; [ ! -t 2 ] || quiet=; \
index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null || true)}}"; \
certificates="$${SSL_CERT_FILE:-$${PIP_CERT:-$$($(BIN)/pip config get global.cert 2>/dev/null || true)}}"; \
[ -z "$$index" ] || export UV_DEFAULT_INDEX="$$index"; \
[ -z "$$certificates" ] || export SSL_CERT_FILE="$$certificates"; \
$(BIN)/uv pip install $$quiet --python $(BIN)/python --no-deps --require-hashes -r $(1)
endef

# The sync and the service start from what this rule leaves; the stamp lets a second run do nothing.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Footnote needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv module is missing: install it (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "installing the $$(grep -c '==' requirements.lock) packages of requirements.lock (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet $(UV)
	@$(call install_locked,requirements.lock)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.extras: $(STAMP) requirements-extras.lock
	@echo "installing the extras (a few minutes the first time)"
	@$(call install_locked,requirements-extras.lock)
	@touch $@

# make exports what its command line sets, so the shell quotes it, whatever a path holds.
run: $(STAMP)
	@$(BIN)/footnote serve $(if $(CORPUS),"$$CORPUS" --own-collection) \
	  $(if $(PORT),--port "$$PORT") $(if $(MODEL),--model "$$MODEL") $(if $(VERBOSE),--verbose)

test: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder

soak: export SOAK := 1
soak: test

# --no-annotate and the custom command keep machine paths and registry hosts out of the lock.
lock: $(STAMP)
	$(LOCK) --extra eval --extra mcp -o requirements.lock
	$(LOCK) --all-extras --group extras -c requirements.lock -o requirements-extras.lock

LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --group dev --python-version 3.11 \
	  pyproject.toml --no-annotate --custom-compile-command "make lock"

# The chat component's one script, which is committed, from its source.
widget:
	cd api/widget && npm ci --silent && npm run --silent check && npm run --silent build
