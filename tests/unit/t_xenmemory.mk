UNIT := t_xenmemory
SRCS := tests/unit/t_xenmemory.c platform/xen/memory.c
DEFS := -I platform/include -I platform/hw -I platform/xen
