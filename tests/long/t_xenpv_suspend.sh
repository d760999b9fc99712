#!/bin/bash
# PV guests of Xen that are put away and go on.
# timeout: 2400
XEN_TYPE=pv
. tests/long/t_xen_suspend.sh
