# Retrace: `make help` lists what there is. ARGS is passed on: make demo ARGS="--json"

SHELL := /bin/bash
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
BINARY := $(TARGET)/debug/retrace

# The judge's own Python packages come first, rustup's usual place last.
export PATH := $(abspath $(TARGET))/judge/bin:$(PATH):$(HOME)/.cargo/bin

.PHONY: help demo test install bench formal clean

help: ## say what each target does
	@echo 'usage: make TARGET [ARGS="..."]'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12

demo: ## install what is missing, build, train and catch a liar on this machine
	@.ci/install.sh build
	@cargo build -p retrace-node --locked
	@$(BINARY) demo $(ARGS)

test: ## install what is missing, build everything, run every test
	@.ci/install.sh build test
	cargo build --workspace --all-targets --locked
	RETRACE_BIN="$(abspath $(BINARY))" cargo test --workspace --locked
	@.ci/judge.sh
	@.ci/formal.sh quick
	@.ci/witness.sh

install: ## build with optimization and put `retrace` among cargo's binaries
	@.ci/install.sh build
	cargo install --path node --locked

bench: ## measure the arithmetic and the verifier, optimized
	@.ci/install.sh build
	@.ci/bench.sh $(ARGS)

formal: ## check the formal models of the dispute game, and that their planted bugs are found
	@.ci/formal.sh

clean: ## remove everything that was built, the judge's Python environment too
	cargo clean
