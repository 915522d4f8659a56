# GoINTR from a fresh clone, on a machine with Go 1.26 and Python 3.10 or newer. Nothing needs root.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Make has rules of its own, by which kernel/jupyter/files/gopls would be compiled from gopls.mod, as Modula-2.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.PHONY: help setup demo lab lint lines test test-all bench learn faithful gpu-check gpu-check-build generate clean

PYTHON ?= python3
# GoMLX's engine in Go multiplies matrices with it.
export GOEXPERIMENT ?= simd

bin := .venv/bin
sources := $(shell find datasets internal kernel pkg -type f \( -name '*.go' -o -path 'pkg/figure/*.*' -o -path 'pkg/fieldguide/*.*' -o -path 'pkg/interpret/album/*.*' -o -path 'pkg/page/*.*' -o -path 'pkg/hub/sample/*' \) -not -name '*_test.go' -not -path '*/testdata/*') $(wildcard kernel/jupyter/files/*) go.mod go.sum
# A virtual environment has absolute paths in it: one that was moved is made anew.
ifneq ($(shell cat .venv/.made-in 2>/dev/null),$(CURDIR))
.PHONY: .venv/.jupyter
endif

help:
	@echo "make demo       set up, then run notebooks/demo.ipynb: out/demo.ipynb, out/demo.html, out/demo.png"
	@echo "make lab        the same notebook, open in JupyterLab"
	@echo "make test       everything is checked (about 15 minutes); the long comparisons look at a sample of the pictures"
	@echo "make test-all   the same, and they look at all of them (about an hour)"
	@echo "make lint       what make test begins with: gofmt, go vet, staticcheck"
	@echo "make setup      bin/gointr, Jupyter in .venv with the kernel \"Go (GoINTR)\", and XLA, for graphs, where it can be had"
	@echo "make bench      time loading, reading, the forward pass, batches and cells beside PyTorch, in turn"
	@echo "make faithful   measure the sample's maps on birds that it has never seen, and write the table into docs/faithful.md"
	@echo "make gpu-check  on a machine with an NVIDIA GPU: is it used, are the numbers right, how fast"
	@echo "make clean      remove bin, out and the virtual environments"
	@echo
	@echo "GOINTR_CHECKPOINT, GOINTR_CLASSES and GOINTR_IMAGE choose what demo, lab and bench look at, GOINTR_DATASET what bench loads."

setup: bin/gointr .venv/.jupyter .venv/.kernel bin/.engine

bin/gointr: $(sources)
	@command -v go >/dev/null || { echo "setup: Go 1.26 is needed, and no program go is on the PATH: see https://go.dev/dl"; exit 1; }
	@echo "setup: building bin/gointr (the first time, a minute or two)"
	@go build -o $@ ./kernel/gointr

# JupyterLab asks for no news and looks for no language servers. It takes a kernel's answer of who it is for a sign of life:
# GoNB gives no other before the first cell, so that its state would be shown as unknown.
.venv/.jupyter: notebooks/requirements.txt $(wildcard notebooks/papermill/*.*) notebooks/overrides.json notebooks/jupyter_server_config.json
	@command -v $(PYTHON) >/dev/null || { echo "setup: Jupyter needs Python 3.10 or newer, and there is no program $(PYTHON)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "setup: Jupyter needs Python 3.10 or newer: make PYTHON=python3.12, say, chooses one"; exit 1; }
	@echo "setup: installing JupyterLab into .venv (about a minute)"
	@rm -rf .venv
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "setup: this Python cannot make virtual environments: install its package python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(bin)/python -m pip install --quiet --disable-pip-version-check -r notebooks/requirements.txt ./notebooks/papermill || { echo "setup: JupyterLab could not be installed; pip says why above"; exit 1; }
	@mkdir -p .venv/share/jupyter/lab/settings .venv/etc/jupyter
	@cp notebooks/overrides.json .venv/share/jupyter/lab/settings/
	@cp notebooks/jupyter_server_config.json .venv/etc/jupyter/
	@pwd > .venv/.made-in
	@touch $@

bin/.engine: | bin/gointr
	@echo "setup: installing XLA, for graphs (once)"
	@bin/gointr setup || echo "setup: going on without XLA: training from nothing is slower; bin/gointr setup tries again"
	@touch $@

.venv/.kernel: bin/gointr .venv/.jupyter
	@echo "setup: installing the kernel (the first time, up to three minutes)"
	@bin/gointr kernel install --prefix .venv >/dev/null
	@touch $@ .venv/.runs

.venv/.runs: bin/gointr .venv/.jupyter
	@echo "setup: installing the kernel, without completion (the first time, a minute or two)"
	@bin/gointr kernel install $$([ -e .venv/.kernel ] || echo --no-completion) --prefix .venv >/dev/null
	@touch $@

# A notebook that nobody types into needs neither completion nor, as it only answers, XLA.
demo:
	@$(MAKE) --no-print-directory -j2 bin/gointr .venv/.jupyter
	@$(MAKE) --no-print-directory .venv/.runs
	@$(bin)/python notebooks/run.py demo

lab: bin/gointr .venv/.jupyter .venv/.kernel
	@$(bin)/python notebooks/run.py lab

lint: lines
	@echo "lint: gofmt, go vet, staticcheck"
	@unformatted=$$(gofmt -l datasets internal kernel pkg); [ -z "$$unformatted" ] || { echo "lint: gofmt would write otherwise:" $$unformatted; exit 1; }
	@go vet ./...
	@go tool staticcheck ./...

# Lines end at column 120, tabs counting 4, in Go and Markdown; but not the rows of tables and URLs, which cannot be broken.
lines:
	@echo "lint: lines of at most 120 columns"
	@git ls-files '*.go' '*.md' ':!*/testdata/*' | LC_ALL=C xargs awk '{ gsub(/\t/, "    "); gsub(/[\200-\277]/, "") } \
		FILENAME ~ /md$$/ && /^ *\|/ { next } { gsub(/https?:[^ )]*/, "") } \
		length > 120 { print FILENAME ":" FNR ": " length " columns"; long = 1 } END { exit long }'

# Kernels and XLA compute with AVX-512 where there is any, and round otherwise without: comparisons hold with both.
test test-all: setup lint
	@echo "test: go test"
	@go test -timeout $(timeout) ./...
	@go test -gcflags=-d=checkptr ./internal/nn
	@if grep -qsw avx512f /proc/cpuinfo; then \
		echo "test: what is compared with PyTorch, again without AVX-512"; \
		GODEBUG=cpu.avx512f=off XLA_FLAGS=--xla_cpu_max_isa=AVX2 go test -timeout $(timeout) -run 'Golden|First|Learner|Small|Oracle|Attribution|Logits|TestEval$$' \
			./pkg/intr ./pkg/finetune/train ./pkg/interpret ./kernel/gointr; \
	else echo "test: this processor has no AVX-512, so all did without it already"; fi
	@echo "test: notebooks"
	@$(bin)/python -m unittest discover -v -s notebooks/tests

test: timeout := 20m
test-all: timeout := 3h
test-all: export GOINTR_TEST_ALL := 1

# The peer, PyTorch with ONNX Runtime: a Python that has them (GOINTR_ORACLE), or one made here.
oracle := $(or $(GOINTR_ORACLE),.venv-oracle/bin/python)

.venv-oracle/.made:
	@echo "bench: installing PyTorch, the peer, into .venv-oracle (once, up to several GB)"
	@rm -rf .venv-oracle
	@$(PYTHON) -m venv .venv-oracle
	@.venv-oracle/bin/python -m pip install --quiet --disable-pip-version-check torch torchvision numpy pillow opencv-python-headless matplotlib onnx onnxscript onnxruntime openvino
	@touch $@

bench: setup $(if $(GOINTR_ORACLE),,.venv-oracle/.made)
	@$(PYTHON) notebooks/run.py versus $(oracle)
	@$(PYTHON) notebooks/run.py loader $(oracle)
	@$(PYTHON) notebooks/run.py step $(oracle)
	@$(bin)/python notebooks/run.py edited
	@$(bin)/python notebooks/run.py cells $(oracle)

learn: setup $(if $(GOINTR_ORACLE),,.venv-oracle/.made)
	@$(PYTHON) notebooks/run.py learn $(oracle)

# Another seed than the training's, which is 0: no picture of these was seen.
faithful: bin/gointr bin/.engine
	@rm -rf out/faithful
	@mkdir -p out/faithful
	@bin/gointr birds out/faithful/birds --per-class 30 --seed 2026 >/dev/null
	@bin/gointr faithful --dataset out/faithful/birds --insertion blur,mean --deletion mean,blur --out out/faithful
	@awk -v table=out/faithful/table.md '/<!-- end of the table/ { skip = 0 } !skip { print } /<!-- the table/ { skip = 1; while ((getline line < table) > 0) print line }' docs/faithful.md > out/faithful/page.md
	@cp out/faithful/page.md docs/faithful.md

# Test programs, so that gpu-check needs neither Go nor a network where it runs.
checks := bin/backend.test bin/intr.test bin/finetune/train.test
bin/%.test: $(sources) $(wildcard pkg/backend/*_test.go pkg/intr/*_test.go pkg/finetune/train/*_test.go)
	@echo "gpu-check: building $@"
	@mkdir -p $(@D) && go test -c -o $@ ./pkg/$*

gpu-check-build: bin/gointr $(checks)

gpu-check: gpu-check-build
	@echo "gpu-check: what is here"
	@bin/gointr doctor
	@echo "gpu-check: the oracle's numbers, on CUDA"
	@cd pkg/backend && GOINTR_TEST_BACKEND=cuda ../../bin/backend.test
	@cd pkg/intr && GOINTR_TEST_ALL=1 GOINTR_TEST_BACKEND=cuda ../../bin/intr.test -test.v -test.run 'Golden|First'
	@cd pkg/finetune/train && GOINTR_TEST_BACKEND=cuda ../../../bin/finetune/train.test -test.v -test.run 'Golden|SmallTraining'
	@echo "gpu-check: speed"
	@$(PYTHON) notebooks/run.py bench --backend cuda

# The assembly of internal/nn.
generate:
	@cd internal/nn/gen && go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg nn

clean:
	@rm -rf bin out .venv .venv-oracle notebooks/papermill/build notebooks/papermill/*.egg-info
