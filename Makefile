# Every target sets up what it needs: only Python 3.11 (or newer) and make have to be there.
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13,$(shell command -v $(name))))
BIN := .venv/bin

.PHONY: .venv bench demo docs notebooks test test-quick test-browser test-min test-wheel wheel try check format

.venv: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "derain needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: .venv/installed
	$(BIN)/derain demo --out demo

# Figures of speed, added to benchmarks/history.jsonl and drawn; nothing else should run meanwhile.
bench: .venv/installed
	$(BIN)/python -m benchmarks.suite $(if $(DERAIN_DATA),--data "$(DERAIN_DATA)")

test: check
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# Between edits: without the slow tests and those on real photographs.
test-quick: .venv/installed
	DERAIN_DATA= DERAIN_GOLDENS= $(BIN)/python -m pytest tests -m "not slow" --numprocesses 2 --dist loadfile

# What docs/try, the page that runs a model in the visitor's browser, needs beside its sources.
TRY := docs/try/built
ORT_SHA256 := d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71
ORT := build/onnxruntime-web-1.30.0.tgz
try: $(TRY)/balanced.onnx

$(TRY)/balanced.onnx: $(ORT) src/derain/models/balanced.safetensors $(wildcard src/derain/app/examples/*.jpg) .venv/installed
	rm -rf $(TRY) && mkdir -p $(TRY)
	tar -xzf $(ORT) -C $(TRY) --strip-components 2 \
	  package/dist/ort.wasm.bundle.min.mjs package/dist/ort-wasm-simd-threaded.wasm \
	  package/dist/ort.webgpu.bundle.min.mjs package/dist/ort-wasm-simd-threaded.asyncify.wasm
	cp src/derain/app/examples/*.jpg $(TRY)
	$(BIN)/derain export --model balanced --out $@

.DELETE_ON_ERROR:
$(ORT):
	mkdir -p build
	npm pack --silent --pack-destination build onnxruntime-web@1.30.0
	echo "$(ORT_SHA256)  $@" | sha256sum --check --quiet

# The web pages in a real browser; Chromium comes from Debian's packages where it is not installed.
test-browser: .venv/installed try
	command -v chromium || (apt-get update && apt-get install --yes --no-install-recommends chromium)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	$(BIN)/python -m pytest tests/browser

# The quick tests with the oldest versions that pyproject.toml allows.
test-min: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[release]'
	mkdir -p build
	$(BIN)/uv pip compile --quiet --python $(BIN)/python --resolution lowest-direct --extra dev pyproject.toml --output-file build/oldest.txt
	$(PYTHON) -m venv --clear build/oldest
	$(BIN)/uv pip install --quiet --python build/oldest --requirement build/oldest.txt
	$(BIN)/uv pip install --quiet --python build/oldest --no-deps --editable .
	DERAIN_DATA= DERAIN_GOLDENS= build/oldest/bin/python -m pytest tests -m "not slow" --numprocesses 2 --dist loadfile

# Wheel and source distribution, as a release publishes them.
wheel: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[release]'
	rm -rf build/wheel
	$(BIN)/python -m build --outdir build/wheel
	$(BIN)/python -m twine check --strict build/wheel/*

# The wheel, what is in it, and a restoration in an empty environment without the network.
test-wheel: wheel
	$(BIN)/python -m pytest tests/wheel

# The pages as a site in site/: broken links, missing anchors and pages without a title stop it; only what it is made of comes from the network.
docs: .venv/installed try
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Run the notebooks anew and keep their results.
notebooks: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False docs/notebooks/*.ipynb

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --quiet tests/test_house.py tests/test_prose.py

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
