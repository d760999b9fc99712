# Kiln: unmodified POSIX programs as unikernels.  `make help` lists the targets.
# One make for the whole tree: each folder brings a fragment, paths are from here.

CC := gcc
CLANG := clang
WARNINGS := -Wall -Wextra -Werror -Wno-unused-parameter
PREFIX ?= /usr/local
Q := $(if $(V),,@)
VERSION := 0.1.0
SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: tools sysroot components platforms packages ## build everything into build/ (the default)

include toolchain/toolchain.mk
include libc/libc.mk
include rumpcomponents/rumpcomponents.mk
include platform/platform.mk
include app-tools/app-tools.mk
include packages/packages.mk
include tests/tests.mk
include tests/bench/bench.mk

help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort -u | \
	    awk -F'\t' '{ printf "  make %-18s %s\n", $$1, $$2 }'

clean: ## remove build/ (the cache of what is expensive stays)
	rm -rf build

.PHONY: all help clean

demo: setup ## install what is needed, build, boot nginx, fetch its page, print the figures
	@echo "== build (the first time takes some minutes: libc, nginx, the components)"
	@$(MAKE) --no-print-directory all
	@tests/demo.sh

.PHONY: demo
