# Everything here runs from a checkout with Go and a C compiler (for the race
# detector). Tools are built from the module cache; nothing is installed.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Modules of their own below this one, whose code is checked like the rest of it.
# Adding a directory here is enough.
NESTED := tests/manifests tests/prometheus

MODULES := . $(NESTED)
TOOLS := tools/lint
LINT := go tool -modfile="$(CURDIR)/tools/lint/go.mod" golangci-lint

# What `make test` adds to the plain `go test ./...`.
TESTFLAGS ?= -race -shuffle=on
# How long the tests of one package may take: many times what any takes alone on
# two cores, so that this ends what hangs and not what is slow.
TESTTIMEOUT ?= 20m
# How long `make fuzz` spends on each target.
FUZZTIME ?= 10s
# How many seeds `make soak` simulates.
SEEDS ?= 5000
SEED ?= 1
BENCHFLAGS ?=

# $(call say,<text>) heads a step with the time; $(call in,<modules>,<command>)
# runs a command in each of them and stops at the first failure.
say = @printf '==> %s %s\n' "$$(date -u +%H:%M:%SZ)" '$(1)'
in = @for module in $(1); do (cd "$$module" && $(2)); done

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/ringonce
	$(call say,build)
	go build -trimpath -o bin/ringonce ./cmd/ringonce

.PHONY: check
check: tidy vet lint test seeds fuzz dev ## do all that a change has to pass
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
	go test $(TESTFLAGS) -timeout=$(TESTTIMEOUT) ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	$(call say,fuzz)
	tools/fuzz $(FUZZTIME)

.PHONY: generate
generate: ## write what follows from the table of settings
	$(call say,generate)
	go test ./configs -run TestGenerated -update

.PHONY: dev
dev: ## run the program with everything embedded
	$(call say,dev)
	go run ./cmd/ringonce dev

# The version stamped into the image.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
RULES := deployments/prometheus/recording.rules.yaml deployments/prometheus/alerts.rules.yaml
PROMETHEUSRULE := deployments/kubernetes/monitoring/prometheusrule.yaml

.PHONY: image
image: ## build the image as VERSION with buildah, and run the binary in it
	$(call say,image)
	deployments/image "$(VERSION)"

.PHONY: manifests
manifests: ## check compose and the Kubernetes manifests
	$(call say,manifests)
	cd tests/manifests && go test -timeout=$(TESTTIMEOUT) ./...

.PHONY: rules
rules: ## check and test recording rules and alerts with promtool
	$(call say,rules)
	promtool check config --syntax-only deployments/compose/prometheus.yaml
	promtool check rules $(RULES)
	promtool test rules tests/prometheus/rules/*.test.yaml

.PHONY: dashboards
dashboards: ## hold dashboard, alerts and pages against workers and a real Prometheus
	$(call say,dashboards)
	cd tests/prometheus && go test -timeout=$(TESTTIMEOUT) ./...

# The operator takes the rules in an object of its own. `make manifests` checks
# that it holds the same.
.PHONY: prometheusrule
prometheusrule: ## write the rules into the object that the Prometheus operator takes
	{ sed '/^  groups:/q' $(PROMETHEUSRULE); sed -s '1,/^groups:/d; s/^./  &/' $(RULES); } > $(PROMETHEUSRULE).new
	mv $(PROMETHEUSRULE).new $(PROMETHEUSRULE)

.PHONY: bench
bench: ## measure, with flags from BENCHFLAGS
	$(call say,bench)
	go run ./tests/bench $(BENCHFLAGS)

# An older build, how many pairs with it, and requests in each run of it.
OLD ?= bin/ringonce.old
PAIRS ?= 12
REQUESTS ?= 10000

.PHONY: versus
versus: ## compare the worker's CPU time for each call with that of an older build, OLD
	$(call say,versus)
	go run ./tests/bench -versus "$(OLD)" -rounds $(PAIRS) -requests $(REQUESTS) $(BENCHFLAGS)

.PHONY: seeds
seeds: ## simulate 200 seeds, and with the race detector those that `make test` leaves
	$(call say,seeds)
	tools/soak 200
	go test -race ./tests/simulation -run TestThePromiseHolds -seed 16 -seeds 10

.PHONY: soak
soak: ## simulate SEEDS seeds (5000), from SEED on, in a process for each processor
	$(call say,soak)
	tools/soak $(SEEDS) $(SEED)

# How many requests and workers wait in `make outage`.
WAITING ?= 10000
WORKERS ?= 10

.PHONY: outage
outage: ## simulate an hour without the provider, in five ways, and a day
	$(call say,outage)
	go test ./tests/outage -run WithoutTheProvider -timeout=0 -count=1 -v -waiting $(WAITING) -workers $(WORKERS) -outage 24h | grep -v '^=== '

# How much `make crash` and `make cluster` try: all, sample or few.
EXTENT ?= all

.PHONY: crash
crash: ## kill and stop workers at every step they take, and compare with the naive worker
	$(call say,crash)
	@mkdir -p bin
	go test ./tests/crash -count=1 -parallel=8 -timeout=15m -extent=$(EXTENT) -report="$(CURDIR)/bin/crash.txt"
	@cat bin/crash.txt

# Trials mostly wait for a leader to be found, so that four at once fit two cores.
.PHONY: cluster
cluster: ## kill, cut off and restore brokers under workers at work
	$(call say,cluster)
	@mkdir -p bin
	go test ./tests/cluster -count=1 -parallel=4 -timeout=20m -extent=$(EXTENT) -report="$(CURDIR)/bin/cluster.txt"
	@cat bin/cluster.txt

# About how many faults `make mutants` tries; 0 is all of them.
SAMPLE ?= 0

.PHONY: mutants
mutants: ## break our own code on purpose, fault by fault, and see that it is noticed
	$(call say,mutants)
	go run ./tests/mutants -sample $(SAMPLE)
