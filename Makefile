# make test is what CI runs. It needs Go, a C compiler (for the race detector), and for the end-to-end tests the AWS CLI and
# boto3 (pip install -r cmd/e2e/requirements.txt); without those the tests say that they are skipped.

SHELL = /bin/bash -o pipefail

GO ?= go
FUZZTIME ?= 20s

.PHONY: all test lint bench fuzz runtimes conformance-node conformance-npm conformance-test262 conformance-python packages clean

all: lint test

test: lint
	$(GO) test -race -timeout 30m -json ./... | $(GO) run ./cmd/internal/testsum

lint:
	@unformatted=$$(gofmt -l abi api bench bridges cmd engine runtimes 2>/dev/null); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./engine/... ./api/...

# Ratios against a raw fasthttp echo, and the engine's own figures. Let nothing else run meanwhile.
bench:
	$(GO) run ./bench

# Every fuzz target for a little while.
fuzz:
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "== $$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

# Rebuilds the embedded interpreters from pinned sources: Debian 12, as root.
runtimes:
	runtimes/python/build/build.sh
	runtimes/python27/build/build.sh
	runtimes/nodejs/build/build.sh

# Node.js's own tests in deployed functions, and the report of them in docs/.
conformance-node:
	suite=$$(cmd/conformance/node-suite.sh) && $(GO) run ./cmd/conformance -o docs/conformance-node.md node "$$suite"

# npm packages doing a job in deployed functions, compared with the machine's own Node.js.
conformance-npm:
	$(GO) run ./cmd/conformance -o docs/conformance-npm.md npm cmd/conformance/npm

# The same for CPython's own tests, into docs/conformance-python.md: about half an hour.
conformance-python:
	suite=$$(cmd/conformance/python-suite.sh) && $(GO) run ./cmd/conformance -o docs/conformance-python.md python "$$suite"

# Every package of cmd/e2e/testdata/pypi at work in a function; make test runs some of them.
packages:
	THAW_PYPI=all $(GO) test -run TestPackagesFromPyPI -v ./cmd/e2e

# The ECMAScript suite, from a checkout of it: make conformance-test262 SUITE=folder
conformance-test262:
	$(GO) run ./cmd/conformance -o docs/conformance-test262.md $(if $(EVERY),-every $(EVERY)) test262 "$(SUITE)"

clean:
	rm -rf bin
