#!/bin/bash
# The network of PV guests of Xen.
# timeout: 1200
XEN_TYPE=pv
. tests/system/t_xen_net.sh
