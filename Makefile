# `make run` and `make test` are the two commands of the README; each sets everything up by itself.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Tests that drive a whole agent mostly wait: more workers than cores. They compute for a third of
# their time in all, so that four leave two cores room for what the product itself must do in time.
WORKERS ?= 4
SIDE_BY_SIDE := --numprocesses $(WORKERS) --dist loadgroup

.PHONY: help run setup check lint types floors unit audit dist site coverage tools test soak distros bench golden man gpu-check lock clean pictures

help:
	@echo "make run        start the agent (on the real GPUs, or on simulated ones)"
	@echo "make test       everything that is tested, in under 20 minutes"
	@echo "make check      lint, types, import floors, unit tests, known vulnerabilities, in about a minute"
	@echo "make dist       everything that users install, into dist/"
	@echo "make site       the documents as pages that need no network, into dist/site"
	@echo "make coverage   domain and policy, every branch (part of make test)"
	@echo "make soak       the large counts of the same tests, in under an hour"
	@echo "make distros    try the packages on other releases of Debian and Ubuntu, in roots of their own; as root"
	@echo "make bench      measure, and fail when a ratio is missed"
	@echo "make gpu-check  tests on a real GPU, as root; reads only and writes build/gpu-recording.json"
	@echo "make golden     rewrite the golden files (review the diff)"
	@echo "make pictures   draw the dashboards and the pages again for docs/pictures; needs npm"
	@echo "make man        write the manual pages again, from the parser and the settings"
	@echo "make lock       resolve the dependencies again into requirements.lock"

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("gpuwatch needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV) || { echo "missing: the venv module (apt-get install python3-venv)"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $(STAMP)

setup: $(STAMP)

simulator/build/libnvidia-ml.so.1: $(wildcard simulator/driver/*.c simulator/driver/*.h)
	@command -v $(CC) >/dev/null || { echo "missing: a C compiler (apt-get install gcc libc6-dev)"; exit 1; }
	$(MAKE) -C simulator/driver

run: $(STAMP)
	@$(PY) -m simulator.run

check: lint types floors unit audit

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(STAMP)
	$(PY) -m mypy src/gpuwatch simulator tests bench grafana delivery

floors: $(STAMP)
	$(VENV)/bin/lint-imports --no-logo

unit: $(STAMP)
	$(PY) -m pytest -q tests/unit tests/test_house.py

audit: $(STAMP)
	@$(PY) -m delivery audit

site: $(STAMP)
	@$(PY) -m delivery site

dist: $(STAMP)
	@$(PY) -m delivery dist

tools:
	@tests/tools.sh

coverage: $(STAMP)
	$(PY) -m coverage run -m pytest -q tests/unit/domain tests/unit/policy
	$(PY) -m coverage report --fail-under=100 --skip-covered

test: $(STAMP) simulator/build/libnvidia-ml.so.1 tools coverage
	$(PY) -m pytest -q $(SIDE_BY_SIDE) tests

soak: $(STAMP) simulator/build/libnvidia-ml.so.1 tools
	GPUWATCH_SOAK=1 $(PY) -m pytest -q $(SIDE_BY_SIDE) -m "not gpu and not distros" --timeout 3000 tests

distros: $(STAMP) simulator/build/libnvidia-ml.so.1 tools
	$(PY) -m pytest -q -m distros tests

bench: $(STAMP) simulator/build/libnvidia-ml.so.1 tools
	$(PY) -m bench

golden: $(STAMP) simulator/build/libnvidia-ml.so.1
	GPUWATCH_GOLDEN=rewrite $(PY) -m pytest -q tests -k golden

pictures: $(STAMP) simulator/build/libnvidia-ml.so.1
	$(PY) -m grafana.viewer.pictures

man: $(STAMP)
	$(PY) -m gpuwatch.cli.manual packaging/man

gpu-check: $(STAMP)
	@$(PY) -m tests.support.gpu.host
	$(PY) -m pytest -v -s -m gpu tests/gpu

lock:
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet uv
	.lock-venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 --group dev pyproject.toml -o requirements.lock
	.lock-venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 packaging/build.in -o packaging/build.lock
	rm -rf .lock-venv

clean:
	rm -rf $(VENV) simulator/build build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
