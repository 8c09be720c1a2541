# `make build` takes raw events to marts and exports; `make test` proves them right.
# `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
# Each file that is installed is one whose hash requirements/*.txt names. Compiling all modules, of
# which few are ever imported, is half of an installation; they are when first imported, and where
# that may not be written down (as in many containers), each process spends seconds on it again.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile
PINNED := $(INSTALL) --require-hashes -r
export OFFER_AI_EVENTS ?= data/events
export OFFER_AI_DB ?= data/offer_ai.duckdb
export OFFER_AI_EXPORT ?= data/export
export PYTHONDONTWRITEBYTECODE :=
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help setup setup-cloud setup-learn setup-metrics setup-report setup-serve setup-spark setup-test setup-mutants sample build export report docs lint test-models tests check test test-long test-spark mutants mutants-python supply pins train learn serve loop compare replay watch bench bench-serve bench-sources bench-spark clean
.DEFAULT_GOAL := help

help: ## Say what each target does.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: .venv/core.installed ## A .venv with what `make build` needs, pinned.

setup-cloud: .venv/cloud.installed ## The same with what publishing to AWS and Redis needs.

setup-learn: .venv/learn.installed ## The same with what training a model needs.

setup-metrics: .venv/metrics.installed ## The same with what `mf query` needs.

setup-report: .venv/report.installed ## The same with what the page needs.

setup-serve: .venv/serve.installed ## The same with what serving decisions needs.

setup-spark: .venv/spark.installed ## The same with what `dbt build --target spark` needs.

setup-mutants: .venv/mutants.installed ## The same with what `make mutants-python` needs.

setup-test: .venv/test.installed ## The same with what `make test` needs.

.venv/core.installed: requirements/pip.txt requirements/core.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Offer AI needs Python 3.11 or newer; set PYTHON to one.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PINNED) requirements/pip.txt
	$(BIN)/python $(PINNED) requirements/core.txt
	$(BIN)/python $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/cloud.installed .venv/learn.installed .venv/metrics.installed .venv/report.installed: .venv/core.installed
.venv/serve.installed: .venv/learn.installed
.venv/mutants.installed: .venv/test.installed

# Beside the others, not among them: it looks at what they are.
.venv/supply.installed: requirements/supply.txt .venv/core.installed
	$(PYTHON) -m venv .venv/supply
	.venv/supply/bin/python $(PINNED) $<
	@touch $@

.venv/%.installed: requirements/%.txt
	$(BIN)/python $(PINNED) $<
	@touch $@

.venv/spark.installed: requirements/spark.txt .venv/core.installed
	@command -v java >/dev/null || [ "$$(id -u)" != 0 ] || \
		(apt-get -qq update && apt-get -qq install --yes openjdk-17-jre-headless)
	@command -v java >/dev/null || (echo "Spark needs Java 17: install it." && exit 1)
	$(BIN)/python $(PINNED) $<
	@touch $@

# The page is tested in Chromium.
# obp and what it needs lie in a folder that one test alone looks into. Beside their installation the
# other core compiles what tests import, which each of their processes would do at once.
.venv/test.installed: requirements/test.txt requirements/obp.txt requirements/peers.txt .venv/cloud.installed .venv/metrics.installed .venv/report.installed .venv/serve.installed .venv/spark.installed
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || \
		(apt-get -qq update && apt-get -qq install --yes chromium)
	@command -v chromium >/dev/null || (echo "Tests of the page need Chromium: install it." && exit 1)
	$(BIN)/python $(PINNED) $<
	@$(BIN)/python -m pytest --collect-only --quiet --numprocesses 0 >/dev/null 2>&1 & \
	$(BIN)/python $(INSTALL) --no-deps --ignore-requires-python --require-hashes --upgrade \
		--target .venv/peers -r requirements/obp.txt -r requirements/peers.txt && wait
	@touch $@

sample: setup ## Simulate the sample events (16,000 players, 21 days until yesterday) in data/.
	$(BIN)/python scripts/simulate.py --out data --users 16000 --days 21 \
		--games 1.5 --keen 2

# Only the default place is filled: a mistyped path of your own stays an error.
data/events:
	$(MAKE) sample

build: setup $(filter data/events,$(OFFER_AI_EVENTS)) ## Raw events to marts and exported files; ARGS go to dbt build.
	$(BIN)/dbt build --exclude-resource-type unit_test $(ARGS)
	$(MAKE) --no-print-directory export
	$(BIN)/python scripts/summary.py

export: setup ## Publish the marts, the training table and the latest features.
	$(BIN)/python scripts/export.py marts
	$(BIN)/python scripts/export.py training
	$(BIN)/python scripts/export.py latest

report: setup-report ## Write the page that shows what was published, to data/export/report.html.
	$(BIN)/python scripts/report.py

docs: setup ## Browsable documentation of every model, column and macro, in target/.
	$(BIN)/dbt docs generate --static

lint: setup-test ## sqlfluff and ruff.
	$(BIN)/ruff check scripts tests
	OFFER_AI_DB=target/lint.duckdb $(BIN)/sqlfluff lint models tests

# dbt takes the columns of a unit test's inputs from tables, so it builds these first.
test-models: setup-test ## dbt's unit tests and data tests, on a small warehouse made anew.
	@rm -rf target/models/w.duckdb*
	OFFER_AI_EVENTS=tests/raw/other_producer_events.ndjson.gz OFFER_AI_DB=target/models/w.duckdb \
		DBT_TARGET_PATH=target/models $(BIN)/dbt --quiet build

# Of these three, one after the other, one core waits; the + lets pytest show how far it is.
tests: setup-test ## pytest alone, but for what is marked `long`; ARGS go to it.
	+$(BIN)/python -m pytest $(ARGS)

ALL := $(MAKE) --no-print-directory --jobs 3 --output-sync=target lint test-models tests

check: setup-test ## Lint, test-models and the quick part of pytest: 2 minutes.
	@echo "make check takes about 2 minutes on two free cores; make test runs the rest."
	@$(ALL) ARGS="-m quick --numprocesses 2"

test: setup-test ## Lint, test-models and tests; ARGS go to pytest: 12 minutes.
	@echo "make test takes about 12 minutes on two free cores; make check takes about 2 minutes."
	@$(ALL)

test-spark: setup-test ## Both engines on many streams and a million events; killed builds.
	OFFER_AI_STREAMS=20 OFFER_AI_PLAYERS=4300 OFFER_AI_SPARK_KILLS=5 \
		$(BIN)/python -m pytest --numprocesses 0 tests/python/builds/test_spark.py

test-long: setup-test supply ## All of pytest but test-spark's at length (properties, kills, gates, damaged files, worlds): hours.
	OFFER_AI_EXAMPLES=200 OFFER_AI_DAMAGED=1000 OFFER_AI_KILLS=50 OFFER_AI_GATES=100 OFFER_AI_OBJECTS=10000 OFFER_AI_WORLDS=100 \
		OFFER_AI_RUNS=30 OFFER_AI_QUERIES=1000 $(BIN)/python -m pytest -m "long or not long"

mutants: setup-test ## One-line faults of SQL: which of them do the tests see? Half an hour.
	$(BIN)/python tests/mutants/run.py

mutants-python: setup-mutants ## The same of Python, by mutmut: half an hour.
	$(BIN)/python tests/mutants/python.py

supply: setup-test .venv/supply.installed ## Known flaws and licences of what is installed; says so where nobody answers.
	.venv/supply/bin/python tests/supply/audit.py $(BIN)/python

pins: .venv/supply.installed ## Compile requirements/*.in anew, with hashes; ARGS such as --upgrade.
	.venv/supply/bin/python tests/supply/pins.py $(ARGS)

train: setup-learn ## Train a revenue model on the published training table.
	$(BIN)/python scripts/train.py

learn: setup-learn ## Learn at a rhythm: publish, train, value, promote.
	$(BIN)/python scripts/learn.py

serve: setup-serve ## Serve decisions on http://127.0.0.1:8080.
	$(BIN)/python scripts/serve.py

loop: setup-serve ## Ten rounds of deciding and learning in a simulated world.
	$(BIN)/python scripts/loop.py

compare: setup-test ## Learners and peers side by side in simulated worlds in memory.
	$(BIN)/python scripts/compare.py

replay: setup ## Compare training rows with what serving would have seen.
	$(BIN)/python scripts/replay.py

watch: setup ## Build and publish whenever new event files appear.
	$(BIN)/python scripts/watch.py

bench: setup-test ## Time everything on about 8 million events.
	$(BIN)/python scripts/bench.py

bench-serve: setup-serve ## Ten minutes of decisions at 300 a second, then a publish, then a kill.
	$(BIN)/python scripts/bench_serve.py

bench-sources: setup-test ## The same events from files, nested files, S3 and a table, side by side.
	$(BIN)/python scripts/bench_sources.py

bench-spark: setup-spark ## Time Spark on 1, 2, 4 and 8 million events; ARGS go to it.
	$(BIN)/python scripts/bench_spark.py $(ARGS)

clean: ## Remove what was built; raw events stay.
	rm -rf target logs data/export data/spark data/offer_ai.duckdb*
