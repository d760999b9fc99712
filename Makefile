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
.DEFAULT_GOAL := all

# $(call keep,file,text): the file holds the text and is written only when that changes, so that what
# depends on it is made anew after a change of flags or of a list, also when something left the list.
# The text is expanded at once (no target's own variables get into it) and may not be empty.
keep = $(eval KEEP.$1 := $$2)$(eval $1: FORCE ; +$$(keep_write))
keep_write = $(if $(call differ,$(strip $(KEEP.$@)),$(strip $(file <$@))),$(shell mkdir -p $(@D))$(file >$@,$(KEEP.$@)))
# Strip: make 4.3 leaves $(file <)'s last newline at times.
differ = $(subst |$1|,,|$2|)$(subst |$2|,,|$1|)
define NEWLINE


endef

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

FORCE:

.PHONY: all help clean FORCE

demo: setup ## install what is needed, build, boot nginx, fetch its page, print the figures
	@echo "== build (the first time takes some minutes: libc, nginx, the components)"
	@$(MAKE) --no-print-directory all
	@tests/demo.sh

.PHONY: demo
