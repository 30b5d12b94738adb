# What developers type. `make` lists it.

URL ?= http://127.0.0.1:8000
LOG ?= .omniflow/log

SHELL := bash
.SHELLFLAGS := -o pipefail -c

.PHONY: help dev demo health create-order console logs fmt lint test check build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: ## run the system; what it logs goes to .omniflow/log, too
	@mkdir -p $(dir $(LOG))
	cargo run 2>&1 | tee -a $(LOG)

demo: ## run the system and play orders of every kind against it
	cargo run -- demo

health: ## ask the running system how it is
	@curl --silent --show-error --fail-with-body $(URL)/health && echo

create-order: ## create an order
	@curl --silent --show-error --fail-with-body $(URL)/api/v1/orders -d '{"amount": 500, "items": ["iPhone 15"]}' && echo

console: ## open the web console
	@xdg-open $(URL)/web/ 2> /dev/null || open $(URL)/web/ 2> /dev/null || echo "$(URL)/web/"

logs: ## follow the log of `make dev`
	@tail -n 100 -F $(LOG)

fmt: ## format the code
	cargo fmt --all

lint: ## check format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

test: ## run the tests
	cargo test --workspace

check: lint test ## lint and test

build: ## build the release binary
	cargo build --release -p omniflow
