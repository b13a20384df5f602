# Everything that one does with Truecount day by day. `make` alone lists it. CI runs `make ci` and nothing else.

GO          ?= go
FUZZTIME    ?= 20s
DIFFER      ?= 20s
SEED        ?= 1
SEEDS       ?= 200
# A campaign draws its seed, unless one is given.
GIVEN       := $(if $(filter command line environment,$(origin SEED)),$(SEED))
NODES       ?= 3,5
CUTS        ?= 100
STATICCHECK ?= $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The version is stamped from git, where there is a commit to name.
BUILDVCS := $(shell git log -1 >/dev/null 2>&1 && echo true || echo false)

.PHONY: help build run up down bench test check race redis fuzz sim chaos mutants faults soak e2e powercuts failover pause leases
.PHONY: hostile compare clients ci clean fmt vet staticcheck
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## compile bin/truecount
	$(GO) build -buildvcs=$(BUILDVCS) -o bin/truecount ./cmd/truecount

run: build ## a cluster of three nodes on this machine, to play with; Ctrl-C stops it
	@if [ -t 0 ]; then set -m; fi; bin/truecount demo; exit $$? # a job of its own, so that Ctrl-C is no error for make

up: build ## three local nodes in the background
	@scripts/local up

down: ## stop the local nodes and remove their data
	@scripts/local down

bench: build ## measure the nodes of make up, and verify; more flags: BENCH="--pipeline 64"
	@scripts/local bench $(BENCH)

test: ## all tests, and the race detector where a C compiler is there; under 5 minutes
	$(GO) test ./...
	@scripts/race ./cluster/... ./resp/... ./transport/... ./cmd/...

check: fmt vet staticcheck ## before a commit: format, vet, staticcheck, tests; about a minute
	$(GO) test ./...

race: ## all tests under the race detector
	@scripts/race $$($(GO) list ./... | grep -v -e /internal/sim$$ $(UNRACED))
	@scripts/race $(SHORT) ./internal/sim

redis: ## compare with the installed redis-server, also in random conversations for DIFFER (20s), of SEED (1)
	@command -v redis-server >/dev/null || echo "redis-server is not installed (apt-get install redis-server): nothing is compared"
	$(GO) test ./resp -count=1 -timeout 10m -run Redis -differ $(DIFFER) -differ-seed $(SEED)

fuzz: ## every fuzz target for FUZZTIME (20s)
	@scripts/fuzz $(FUZZTIME)

sim: DURATION = 60s
sim: ## a campaign of chaos in virtual time, for DURATION (60s) of real time; or one schedule again and again: SEED=n
	@mkdir -p bin && $(GO) test -c -o bin/sim.test ./internal/sim
	@bin/sim.test -test.run '^TestCampaign$$' -test.timeout 0 -duration $(DURATION) $(if $(GIVEN),-seed $(GIVEN))

mutants: ## plant some 160 mistakes, one at a time: tests must notice each; two minutes, and one on real disks; MUTANT=name for one
	@$(GO) run ./internal/mutants $(MUTANT)

faults: DURATION = 5m
faults: ## three and five real processes, broken in every way this machine allows, for DURATION (5m); SEED=n repeats a schedule
soak: DURATION = 30m
soak: ## faults for longer: DURATION (30m)
faults soak:
	@NODES="$(NODES)" SEED="$(or $(GIVEN),0)" scripts/faults $(DURATION)

chaos: ## the chaos tests of the suite with SEEDS (200) seeds each, from SEED (1)
	$(GO) test ./internal/sim -count=1 -timeout 30m -run Chaos -seeds $(SEEDS)

e2e: ## real processes, killed and restarted
	$(GO) test -tags e2e -count=1 -timeout 15m -v $(LONG) ./internal/e2e

powercuts: ## power cuts in a row under counting clients, as root: CUTS (100) for each kind of log, of SEED (1); about four minutes
	$(GO) test -tags e2e -count=1 -timeout 60m -v ./internal/e2e -run PowerCuts -cuts $(CUTS) -seed $(SEED)

pause: ## measure what snapshots of five million counters cost the clients; about six minutes, 4 GB of memory
	$(GO) test -tags e2e -count=1 -timeout 20m -v ./internal/e2e -run CountingGoesOn -pause 5000000

leases: ## measure 100,000 instances with a million slices, what dying ones cost the clients, and sessions; about six minutes
	$(GO) test -tags e2e -count=1 -timeout 20m -v ./internal/e2e -run 'WhileInstancesDie|WhatSessionsTake' -leases 100000

compare: build ## increments a second beside Redis, as tables; about 10 minutes; COMPARE="--rounds 1" for its flags
	$(GO) run ./internal/compare --dir .local $(COMPARE)

failover: build ## kill leaders: time to the first acknowledgement, beside etcd's if etcd-server is installed; about five minutes
	$(GO) run ./internal/failover

hostile: ## measure what hostile clients cost the others, and the node; under 3 minutes
	$(GO) test -tags e2e -count=1 -timeout 6m -v ./internal/e2e -run HostileClients -attack 6s

clients: build ## the Redis clients that can be had here, against three nodes; about a minute
	cd internal/clients && TRUECOUNT=$(CURDIR)/bin/truecount $(GO) test -count=1 -timeout 5m ./...

ci: FUZZTIME = 3s
ci: DIFFER = 10s
ci: LONG = -short
ci: UNRACED = -e /fsm$$ # it has no goroutines: internal/archtest
ci: SHORT = -short -run 'Chaos|Campaign|Garbled|Frozen'
ci: fmt vet staticcheck test race redis fuzz e2e clients ## all of it; under 20 minutes
	$(MAKE) sim DURATION=60s
	$(MAKE) mutants
	$(MAKE) faults DURATION=2m

clean: down ## remove what the targets above made
	rm -rf bin

fmt:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }

vet:
	$(GO) vet ./...
	$(GO) vet -tags e2e ./internal/e2e
	cd internal/clients && $(GO) vet ./...

staticcheck:
	$(STATICCHECK) -tags e2e ./...
	cd internal/clients && $(STATICCHECK) ./...
