# Kotohajime: `make run` and `make test` are all one needs.
SHELL := /bin/bash
SWIFT ?= swift
RELEASE := .build/release
SEEDS ?= 1000
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
FILES := Sources Tests Package.swift

.DEFAULT_GOAL := help
.PHONY: help deps build debug run down test seeds bench format lint install clean

help: ## show these lines
	@grep -E '^[a-z]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

deps: ## install the two libraries that the build needs, where they are missing
	@command -v $(SWIFT) >/dev/null || { echo "A Swift 6.2 toolchain or later is needed: https://www.swift.org/install/linux"; exit 1; }
	@missing=""; \
	[ -e /usr/include/ncurses.h ] || missing="$$missing libncurses-dev"; \
	[ -e /usr/include/sqlite3.h ] || missing="$$missing libsqlite3-dev"; \
	if [ -n "$$missing" ]; then \
	  echo "Installing Debian packages:$$missing"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $$missing >/dev/null; \
	fi

build: deps ## build the programs, optimised
	@$(SWIFT) build -c release

debug: deps ## build everything for development
	@$(SWIFT) build

run: build ## start a cluster of three nodes with the demo, and open the console on it
	@if [ -n "$(SUDO)" ] && command -v sudo >/dev/null && sudo -v -p "Nodes as machines of their own need root; password for sudo (or interrupt to run without): "; then \
	  sudo -E $(RELEASE)/kconsole up --detach --demo; \
	else $(RELEASE)/kconsole up --detach --demo; fi
	@if [ -t 0 ] && [ -t 1 ]; then exec $(RELEASE)/kconsole; fi

down: ## end the cluster; its objects are kept
	@$(SUDO) $(RELEASE)/kconsole down

test: deps ## run all tests; those that need root or a peer say so when they are skipped
	@$(SWIFT) build --build-tests
	@rm -f .build/tests*.xml
	@SWIFT_DETERMINISTIC_HASHING=1 $(SWIFT) test --skip-build --no-parallel --xunit-output .build/tests.xml || { \
	  echo; echo "What failed:"; grep -h -A1 "<testcase.*[^/]>$$" .build/tests*.xml | cut -c1-600 | tail -20; exit 1; }

seeds: deps ## try every controller with SEEDS courses of events (1000; SEEDS=37...37 is one of them)
	@KOTOHAJIME_SEEDS=$(SEEDS) SWIFT_DETERMINISTIC_HASHING=1 $(SWIFT) test -c release -Xswiftc -enable-testing --no-parallel --scratch-path .build-seeds --filter ClusterTests

bench: build ## measure what the design names goals for
	@$(RELEASE)/Bench

format: ## bring all sources into the house's form
	@$(SWIFT) format -i -r --parallel $(FILES)

lint: ## complain about sources that are not in the house's form
	@$(SWIFT) format lint -s -r --parallel $(FILES)

install: deps ## build with the Swift libraries inside and install into /usr/local/bin
	@$(SWIFT) build -c release --static-swift-stdlib
	@for program in kmaster kagent kotoshim kconsole; do $(SUDO) install -m 755 $(RELEASE)/$$program /usr/local/bin/; done

clean: ## remove what was built
	@rm -rf .build
