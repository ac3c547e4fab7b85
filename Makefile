# The README's two commands are `make demo`, which needs Go and make alone, and
# `make test`, which sets up and runs everything. Recipes are one line each:
# what needs more is a script in .ci/ that runs without make too.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Tools and downloads live outside the checkout, so that `make clean` and a
# fresh clone do not build the linter again.
export PAKLOG_CACHE ?= $(HOME)/.cache/paklog

# Stamping the commit into the binary needs a git that trusts this folder; a
# tarball or a foreign mount has none, and must build all the same.
BUILD := -pgo=cmd/paklog/default.pgo $(shell git status >/dev/null 2>&1 || echo -buildvcs=false)

# What runs is built by a profile of the hub at work (see `make profile`), which
# makes it 4 to 7 % faster. Tests and lint do without: it would be another build of
# every package for them.
export GOFLAGS := $(strip $(shell go env GOFLAGS) -pgo=off)

.PHONY: help build demo test check bench bench-core bench-edi bench-as2 bench-grown bench-desk bench-partners profile torture torture-core fuzz lint clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build every command into bin/
	@mkdir -p bin && go build $(BUILD) -o bin/ ./cmd/...

demo: ## let documents flow through the hub and its simulated partners; KEEP=1 stays up, STORE=postgres, BUS=kafka, QUEUE=rabbitmq
	@mkdir -p bin && go build $(BUILD) -o bin/paklog ./cmd/paklog && bin/paklog demo $(if $(KEEP),--keep) $(if $(STORE),--store $(STORE)) $(if $(BUS),--bus $(BUS)) $(if $(QUEUE),--queue $(QUEUE))

test: ## set up and run everything: crash, power-loss and race rounds included
	@.ci/test

check: ## before each commit, under three minutes: build, vet, lint, short tests
	@go build $(BUILD) ./... && go vet ./... && .ci/lint && go test -short ./...

bench: ## print the measurements on one page; ARGS='-only hop/sqlite' narrows it
	@mkdir -p bin && go build $(BUILD) -o bin/ ./cmd/paklog ./cmd/pakbench && bin/pakbench $(ARGS)

bench-core: ## the core's solvers against published optima; ARGS=-json prints one object a line
	@mkdir -p bin && go build $(BUILD) -o bin/pakbench ./cmd/pakbench && bin/pakbench -only core/ $(ARGS)

bench-edi: ## X12 by MB/s of processor time; ARGS=-json prints one object a line
	@mkdir -p bin && go build $(BUILD) -o bin/pakbench ./cmd/pakbench && bin/pakbench -only edi/ $(ARGS)

bench-as2: ## AS2 messages of 1 KB to 1 GB beside floors, SFTP beside OpenSSH; needs 20 GB of disk
	@mkdir -p bin && go build $(BUILD) -o bin/ ./cmd/paklog ./cmd/pakbench && bin/pakbench -only as2/,sftp/ $(ARGS)

bench-grown: ## the hub on PostgreSQL beside raw COPY, watermill-sql and a row a stream, the relay beside ProducerPerformance, a flow through Kafka by one hub and two, the latency to Kafka; ARGS=-json prints one object a line
	@mkdir -p bin && go build $(BUILD) -o bin/ ./cmd/paklog ./cmd/pakbench && bin/pakbench -only floor/fsync,floor/postgres-copy,hop/postgres,hop/postgres-backlog,hop/watermill-sql,hop/watermill-sql-backlog,append/,relay/,flow/,grown/ $(ARGS)

bench-partners: ## webhooks of shops, prices of three carriers, a sync of 100,000 stock records; ARGS=-json prints one object a line
	@mkdir -p bin && go build $(BUILD) -o bin/ ./cmd/paklog ./cmd/pakbench && bin/pakbench -only partners/ $(ARGS)

bench-desk: ## the desk on 1,000,000 letters: search, the page of a group, the replay of 100,000; ARGS=-json prints one object a line
	@mkdir -p bin && go build $(BUILD) -o bin/pakbench ./cmd/pakbench && bin/pakbench -only desk/ $(ARGS)

profile: ## record what the hub does at work into cmd/paklog/default.pgo, which binaries are built by
	@.ci/profile

torture: ## kill and power-loss rounds alone; ROUNDS=1000 by default
	@PAKLOG_TORTURE_ROUNDS=$(or $(ROUNDS),1000) go test -count=1 -timeout 3h -v -run 'Torture|Crash|PowerLoss' ./...

torture-core: ## SEEDS=10000 simulated warehouses, a table of step and fault without an empty cell, and the core's mutants
	@mkdir -p bin && go build $(BUILD) -o bin/paklog ./cmd/paklog && bin/paklog simulate --faults all --seeds $(or $(SEEDS),10000) --seed $(or $(SEED),1) --orders 500 --lines 1 --items 40 && PAKLOG_TORTURE_CORE=1 go test -count=1 -timeout 2h -v -run TestMutantsAreKilled ./routes/simulate

fuzz: ## every fuzz target, one a processor; FUZZTIME=30s each by default
	@.ci/fuzz $(or $(FUZZTIME),30s)

lint: ## golangci-lint, deadcode and the scripts' own syntax
	@.ci/lint

clean: ## remove bin/; PAKLOG_CACHE keeps the tools
	@rm -rf bin
