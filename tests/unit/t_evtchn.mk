UNIT := t_evtchn
SRCS := tests/unit/t_evtchn.c platform/xen/evtchn.c platform/xen/evtchn_2l.c platform/xen/evtchn_fifo.c platform/xen/grant.c
DEFS := -I platform/include -I platform/hw
