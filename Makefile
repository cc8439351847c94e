# What a developer or Jenkins runs here. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

STACK ?= lab
# Every Go file's folder that is tested without root or hosts.
UNIT = $$(go list ./... | grep -v -e '/tests/')
SCRIPTS = $$(git ls-files | grep -e '\.sh$$' -e '^scripts/kafka-node$$' -e '^\.ci/run$$')
# Engines and hosts want memory: two packages at a time is what two cores carry.
GOTEST = go test -p 2
# What builds and starts programs of its own: Go would answer from its cache,
# since it does not see what those programs were built from.
FRESH = -count=1

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build bin/kraftstack
	@mkdir -p bin
	@go build -trimpath -o bin/kraftstack ./cmd/kraftstack

.PHONY: up
up: build ## From a bare machine to a running cluster in the lab
	@bin/kraftstack lab up
	@bin/kraftstack up --stack $(STACK) --yes >/dev/null # its screen is the one below
	@bin/kraftstack smoke --stack $(STACK)
	@bin/kraftstack status --stack $(STACK)
	@printf '%s\n' '' \
	  'A Kafka cluster runs on this machine: a bastion and three nodes in three zones.' \
	  '  look at it       bin/kraftstack status --stack $(STACK)' \
	  '  log in           bin/kraftstack ssh bastion --stack $(STACK)' \
	  '  change it        edit Pulumi.$(STACK).yaml, then bin/kraftstack preview --stack $(STACK)' \
	  '  use plain pulumi eval "$$(bin/kraftstack lab env)" && pulumi preview --stack $(STACK)' \
	  '  take it down     make down'

.PHONY: down
down: build ## Take the lab down and leave nothing behind
	@bin/kraftstack lab down

.PHONY: setup
setup: build ## Bring what the lab needs, and start nothing
	@bin/kraftstack lab setup

.PHONY: test
test: setup test-unit test-program test-engine test-jenkins test-lab ## Run the tests, quick ones first (the long stories: test-long)

.PHONY: test-unit
test-unit: setup ## Test config, render, scripts, the driver and the lab's parts
	@echo '== unit'
	@$(GOTEST) -timeout 10m $(UNIT) ./tests/structure/...

.PHONY: test-program
test-program: ## Test the program with Pulumi's mocks
	@echo '== program'
	@$(GOTEST) $(FRESH) -timeout 10m ./tests/program/... ./tests/cli/...

.PHONY: test-engine
test-engine: setup ## Test with the real engine and no hosts
	@echo '== engine'
	@$(GOTEST) $(FRESH) -timeout 15m ./tests/engine/...

.PHONY: test-lab
test-lab: setup ## Run the stories on real hosts (needs root)
	@echo '== lab stories'
	@go test -p 1 $(FRESH) -v -timeout 110m ./tests/lab/... | grep -v -e '^=== ' -e '^    --- PASS'

.PHONY: test-jenkins
test-jenkins: setup ## Run the Jenkinsfile itself against the lab (needs root)
	@echo '== Jenkinsfile'
	@go test $(FRESH) -timeout 20m ./tests/jenkins/...

.PHONY: test-long
test-long: setup ## Run the stories with the parts that take long (needs root)
	@echo '== lab stories, the long parts too'
	@go test -p 1 -tags long $(FRESH) -v -timeout 300m ./tests/lab/... | grep -v -e '^=== ' -e '^    --- PASS'

.PHONY: lint
lint: ## Check Go and shell code
	@echo '== go vet and golangci-lint'
	@"$$(go run ./lab/tools golangci-lint)" run ./...
	@echo '== shellcheck'
	@"$$(go run ./lab/tools shellcheck)" --severity=style --external-sources $(SCRIPTS)

.PHONY: vuln
vuln: ## Look for known vulnerabilities (needs vuln.go.dev, so no part of lint)
	@"$$(go run ./lab/tools govulncheck)" ./...

.PHONY: sbom
sbom: ## Write bin/kraftstack.cdx.json: all that the driver is built from
	@mkdir -p bin
	@"$$(go run ./lab/tools cyclonedx-gomod)" app -json -licenses -std -noserial -main cmd/kraftstack -output bin/kraftstack.cdx.json .
	@echo 'bin/kraftstack.cdx.json'

.PHONY: bench
bench: setup ## Measure, each row beside what a user would pick instead
	@go run ./bench

.PHONY: golden
golden: ## Write the golden files anew; look at the diff before you commit it
	@for pkg in $$(grep -rl '"kraftstack/tests/golden"' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
	  echo "== $$pkg"; go test "$$pkg" -update; \
	done

.PHONY: clean
clean: ## Remove what was built here (the cache and the lab stay)
	@rm -rf bin
