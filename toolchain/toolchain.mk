# see docs/architecture.md
include rumpcomponents/syscalls.mk
