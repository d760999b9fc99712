#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# linux-headers.sh INCLUDEDIR
# Programs for Linux include <linux/...> and <asm/...>: the kernel's own headers
# for programs, which Debian has in linux-libc-dev.
set -eu
dest=$1
for d in linux asm-generic mtd rdma sound video xen misc; do
	if [ -d "/usr/include/$d" ]; then ln -sfn "/usr/include/$d" "$dest/$d"; fi
done
[ -d "$dest/linux" ] || { echo "linux-libc-dev is missing: apt-get install linux-libc-dev" >&2; exit 1; }
ln -sfn /usr/include/x86_64-linux-gnu/asm "$dest/asm"
