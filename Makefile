# Everything here runs from a checkout with Go and a C compiler (for the race
# detector). Tools are built from the module cache; nothing is installed.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Modules of their own below this one, whose code is checked like the rest of it.
# Adding a directory here is enough.
NESTED :=

MODULES := . $(NESTED)
TOOLS := tools/lint
LINT := go tool -modfile="$(CURDIR)/tools/lint/go.mod" golangci-lint

# What `make test` adds to the plain `go test ./...`.
TESTFLAGS ?= -race -shuffle=on
# How long `make fuzz` spends on each target, and what `make soak` repeats.
FUZZTIME ?= 10s
SOAKCOUNT ?= 20
SOAKFUZZTIME ?= 10m
BENCHFLAGS ?=

# $(call say,<text>) heads a step with the time; $(call in,<modules>,<command>)
# runs a command in each of them and stops at the first failure.
say = @printf '==> %s %s\n' "$$(date -u +%H:%M:%SZ)" '$(1)'
in = @for module in $(1); do (cd "$$module" && $(2)); done

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/ringonce
	$(call say,build)
	go build -trimpath -o bin/ringonce ./cmd/ringonce

.PHONY: check
check: tidy vet lint test fuzz dev ## do all that a change has to pass
	$(call say,check: all passed)

.PHONY: tidy
tidy: ## check that go.mod and go.sum are tidy and the modules unaltered
	$(call say,tidy)
	$(call in,$(MODULES) $(TOOLS),go mod tidy -diff && go mod verify)

.PHONY: vet
vet: ## run go vet
	$(call say,vet)
	$(call in,$(MODULES),go vet ./...)

.PHONY: lint
lint: ## run golangci-lint, format and import table included
	$(call say,lint)
	$(call in,$(MODULES),$(LINT) run --config="$(CURDIR)/.golangci.yaml" ./...)

.PHONY: fmt
fmt: ## rewrite the code in the project's format
	$(call say,fmt)
	$(call in,$(MODULES),$(LINT) fmt --config="$(CURDIR)/.golangci.yaml" ./...)

.PHONY: test
test: ## run the tests with the race detector, in random order
	$(call say,test)
	go test $(TESTFLAGS) ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	$(call say,fuzz)
	tools/fuzz $(FUZZTIME)

.PHONY: dev
dev: ## run the program with everything embedded
	$(call say,dev)
	go run ./cmd/ringonce dev

.PHONY: bench
bench: ## measure, with flags from BENCHFLAGS
	$(call say,bench)
	go run ./tests/bench $(BENCHFLAGS)

.PHONY: soak
soak: ## repeat the tests SOAKCOUNT times (20), then fuzz for SOAKFUZZTIME (10m)
	$(call say,soak)
	go test $(TESTFLAGS) -count=$(SOAKCOUNT) -timeout=0 ./...
	tools/fuzz $(SOAKFUZZTIME)
