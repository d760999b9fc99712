#!/bin/sh
# namespace.sh COMPONENT "PREFIXES" OUT OBJECT...
# Join a component's objects into one, check that its globals carry its
# prefixes, and move them into the name space rumpns_, so that nothing in the
# kernel can clash with a name of the program's.
set -eu
component=$1 prefixes=$2 out=$3
shift 3
ld -r -o "$out.tmp" "$@"
nm -g --defined-only "$out.tmp" | awk -v component="$component" -v prefixes="$prefixes" '
	BEGIN { n = split(prefixes, p, " "); p[++n] = "do_sys_"; p[++n] = "rumpkern_"; p[++n] = "__start_"; p[++n] = "__stop_" }
	{ for (i = 1; i <= n; i++) if (index($3, p[i]) == 1) next
	  print component ": global symbol " $3 " has none of the prefixes: " prefixes > "/dev/stderr"; bad = 1 }
	END { exit bad }' || { rm -f "$out.tmp"; exit 1; }
# Names that cross the line keep theirs: system calls, hypercalls and upcalls,
# the program entry, and what the linker defines.
nm "$out.tmp" | awk '$2 ~ /[A-Z]/ || $1 ~ /^[Uw]$/ { print $NF }' | sort -u |
	grep -vE '^(sys_|rumpuser_|rumpkern_|rumpns_|_start$|__start_|__stop_|_GLOBAL_OFFSET_TABLE_|__ehdr_start$|__kiln_)' |
	awk '{ print $1, "rumpns_" $1 }' > "$out.syms"
objcopy --redefine-syms="$out.syms" "$out.tmp" "$out"
rm -f "$out.tmp" "$out.syms"
