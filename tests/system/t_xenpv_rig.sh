#!/bin/bash
# PV guests of Xen in the machine that has PVH guests otherwise.
# timeout: 900
XEN_TYPE=pv
. tests/system/t_xen.sh
