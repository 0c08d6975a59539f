# Everything a developer or a visitor runs. `make setup` is called by whatever needs it; nothing else is required but
# Python 3.11 or newer and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
PORT ?= 8000
DATA ?= ../shared/data/complexity

.PHONY: help setup demo test check format bench bench-budget bench-dashboard bench-peers fuzz-restore reload-storm rolling-restarts screenshots eval-complexity weights eval-sensitivity train-sensitivity lock clean
help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(DEV)  ## build .venv with everything: runtime, extras, tests, checks

demo: $(RUNTIME)  ## routed traffic between two simulated backends, live in the terminal; Ctrl-C ends it
	$(BIN)/gateway demo

test: $(DEV)  ## all tests
	$(BIN)/pytest

check: $(DEV)  ## format, lint, strict types, import contracts, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m "not slow" --hypothesis-profile=check -n 2 --dist loadscope

format: $(DEV)  ## rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz-restore: $(DEV)  ## a million answer streams, cut anywhere: placeholders come back as values in each; minutes
	RESTORE_STREAMS=1000000 $(BIN)/pytest tests/wire/test_wire_restore.py -k fuzzed

reload-storm: $(DEV)  ## a thousand reloads, half of them broken, under load on two workers; minutes
	RELOADS=1000 $(BIN)/pytest -s tests/workers/test_workers_reload_under_load.py

rolling-restarts: $(DEV)  ## thirty rolling restarts of two workers under load; minutes
	ROLLS=30 $(BIN)/pytest -s tests/workers/test_workers_rolling_restart.py

screenshots: $(DEV)  ## the README's pictures of the dashboard, from a demo that runs for half a minute; needs Chromium
	$(BIN)/python tests/e2e/screenshots.py

bench: $(DEV)  ## the gateway beside a plain relay and whichever peers are installed; needs wrk
	$(BIN)/python -m loadtests.bench

bench-budget: $(DEV)  ## 200 requests at once against money for 20, nine ways: how many the provider bills
	$(BIN)/python -m loadtests.budgets

bench-dashboard: $(DEV)  ## what the dashboard asks of a million records, and what requests notice of it
	$(BIN)/python -m loadtests.dashboard

bench-peers: $(DEV)  ## install LiteLLM proxy and Portkey beside the gateway, for `make bench`
	$(BIN)/python -m loadtests.bench.install_peers

eval-complexity: $(DEV)  ## what the complexity model is held to, on the outcomes in DATA=..., by source
	$(BIN)/gateway train complexity-table --data $(DATA)

weights: $(DEV)  ## fit the shipped weights anew; DATA is the folder of outcomes
	OMP_NUM_THREADS=2 $(BIN)/gateway train fit --data $(DATA) --leave-out routellm_mmlu routellm_gsm8k \
	  --out gateway/classify/complexity.weights

eval-sensitivity train-sensitivity: DATA = ../shared/data/sensitivity

eval-sensitivity: $(DEV)  ## what the sensitivity detectors find in DATA=..., by source, the weakest first
	$(BIN)/gateway train sensitivity-table --data $(DATA)

train-sensitivity: $(DEV)  ## fit the shipped weights of the names anew; DATA is the folder of annotated texts
	$(BIN)/gateway train sensitivity --data $(DATA) --out gateway/classify/names.weights

lock:  ## write the lock files anew (needs `uv`)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --upgrade pyproject.toml -o requirements/runtime.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --all-extras --group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --group build -o requirements/build.txt

clean:  ## remove what was built
	rm -rf $(VENV) tests/e2e/node/node_modules gateway/dashboard/page/node_modules gateway/dashboard/static build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

PAGE := $(wildcard gateway/dashboard/page/*.* gateway/dashboard/page/src/*)

$(RUNTIME): requirements/runtime.txt pyproject.toml hatch_build.py $(PAGE) | $(BIN)/pip
	$(BIN)/pip install -q --disable-pip-version-check -r requirements/runtime.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

# Debian's own redis-server, where it is missing and may be installed; its service is not wanted. Tests start their own.
REDIS = command -v redis-server >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
  { apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends redis-server; } >/dev/null 2>&1

# Debian's Chromium, likewise: the dashboard's tests look at the page in it.
CHROMIUM = command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1

NGINX = command -v nginx >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
  { apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends nginx-light; } >/dev/null 2>&1

$(DEV): requirements/dev.txt pyproject.toml hatch_build.py $(PAGE) tests/e2e/node/package-lock.json | $(BIN)/pip
	-@$(REDIS)
	-@$(NGINX)
	-@$(CHROMIUM)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements/dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	-@$(BIN)/python tests/e2e/node_project.py
	@touch $@ $(RUNTIME)
