SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test simulate chaos chaos-short odd upgrade mutants bench lint fmt build up down check-deploy

SCRIPTS := scripts/test-services scripts/bench scripts/mutants scripts/check-deploy scripts/check-advisories deploy/healthcheck .ci/run
WORKERS ?= 1

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## try it out: both systems simulated, SQLite, one process (ONCE=1: run the scenario and end)
	cargo build --locked --bin siaghsync
	@cargo run -q --locked --bin siaghsync -- demo $(if $(filter-out 0,$(ONCE)),--once)

test: ## all tests; finds or starts PostgreSQL and Redis (scripts/test-services)
	cargo build --workspace --bins --locked
	scripts/test-services cargo test --workspace --locked

simulate: ## the engine under faults, by the thousand (SEEDS=100000, FROM=0, KEEP_GOING=1; SEED=7: repeat that history)
	cargo test --profile simulate -p engine --test sim --locked -- --ignored --nocapture simulate

chaos: ## the whole product under faults, kills and flushes, with real processes (CHANGES=2000, SEED=1, RETRIES=20)
	cargo build --workspace --bins --locked
	CHANGES=$(CHANGES) SEED=$(SEED) scripts/test-services \
		cargo test -p siaghsync --test it --locked -- --ignored --exact --nocapture chaos::long

chaos-short: ## the same in half a minute, part of `make test` (SEED=1)
	cargo build --workspace --bins --locked
	SEED=$(SEED) scripts/test-services \
		cargo test -p siaghsync --test it --locked -- --exact --nocapture chaos::short

odd: ## 20,000 contacts and 5,000 identities, some of them odd: imported, served, edited on both sides; some minutes
	cargo build --release --workspace --bins --locked
	scripts/test-services cargo test --release -p siaghsync --test it --locked -- --ignored --exact --nocapture odd::many::long

upgrade: ## an older version's deployment, upgraded while it runs (OLD=folder of that version's programs)
	cargo build --workspace --bins --locked
	OLD=$(abspath $(OLD)) scripts/test-services \
		cargo test -p siaghsync --test it --locked -- --ignored --exact --nocapture upgrade::an_older_deployment_goes_on_without_a_write_too_many

mutants: ## deliberate mistakes in the pure rules, and which of them no test notices; hours (ONLY=domain/src/merge)
	@scripts/mutants $(if $(ONLY),--re $(ONLY))

lint: ## formatting, clippy, shell scripts, dependencies, advisories, deploy files; warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v shellcheck >/dev/null; then set -x; shellcheck $(SCRIPTS); \
	else echo "no shellcheck: scripts not checked"; fi
	@if command -v cargo-deny >/dev/null; then set -x; cargo deny --locked check licenses bans sources; \
	else echo "no cargo-deny: licences and sources of the dependencies not checked (deny.toml)"; fi
	@scripts/check-advisories
	@$(MAKE) --no-print-directory check-deploy

bench: ## the figures, on release programs; BASE=<rev>: beside that revision's, as ratios (QUICK=1, ONLY=new,update, ROUNDS=3, OUT=file.json)
	@BASE="$(BASE)" QUICK="$(QUICK)" ONLY="$(ONLY)" ROUNDS="$(ROUNDS)" OUT="$(OUT)" FSYNC="$(FSYNC)" scripts/bench

fmt: ## format the code
	cargo fmt --all

build: ## optimised binaries, in target/release
	cargo build --release --locked

up: .env ## build the images and start everything with Docker (WORKERS=4: four workers)
	docker compose up -d --build --scale worker=$(WORKERS)

down: ## stop what `make up` started; the data stays
	docker compose down

check-deploy: ## check docker-compose.yml and what is under deploy/, as far as the tools are there
	@scripts/check-deploy

.env:
	@echo "There is no .env yet: cp .env.example .env, then edit it."; exit 1
