#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 900
# lint.sh: what tools can say about the sources.  Formatting, cppcheck, a second
# compiler, shell scripts, generated documentation.  Prints ok and FAIL lines.
cd "$(dirname "$0")/.." || exit 2
bad=0
check() { # NAME COMMAND...
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then echo "ok lint_$name"; else
		printf '%s\n' "$out" | head -60
		echo "FAIL lint_$name $(printf '%s\n' "$out" | grep -ciE 'error|warning') messages"
		bad=1
	fi
}
mapfile -t sources < <(git ls-files '*.c' '*.h' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
# Headers of assembly macros are not C.
mapfile -t formatted < <(grep -LE '^[[:space:]]*\.macro|^[[:space:]]*\.global' "${sources[@]}")
[ "${1:-}" = format ] && exec clang-format -i "${formatted[@]}"
mapfile -t scripts < <(git ls-files '*.sh' .ci/run toolchain libc app-tools packages |
	while read -r f; do [ -f "$f" ] && head -c 20 "$f" | grep -qE '^#!/bin/(ba)?sh' && echo "$f"; done | sort -u)

format() { clang-format --dry-run -Werror "${formatted[@]}"; }
# Our headers, not the system's: cppcheck brings its own knowledge of libraries.
cppcheck_all() {
	local c
	mapfile -t c < <(printf '%s\n' "${sources[@]}" | grep '\.c$' | grep -v '^tests/component/.*/prog')
	cppcheck --quiet --inline-suppr --error-exitcode=1 --std=c11 --max-configs=1 -j2 -DKILN_CPPCHECK \
	    --library=gnu --library=bsd --enable=warning,portability --suppressions-list=tests/cppcheck.suppress \
	    -I build/include/bsd -I app-tools -I rumpcomponents/include -I platform/include -I tests/unit/support "${c[@]}"
}
headers() { # each source names its licence in the first line
	local f r=0
	for f in "${sources[@]}"; do
		head -1 "$f" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' || { echo "error: $f: no SPDX line"; r=1; }
	done
	return $r
}
syntax_sh() { local f r=0; for f in "${scripts[@]}"; do $(head -1 "$f" | sed 's/^#!//') -n "$f" || { echo "error: $f"; r=1; }; done; return $r; }

check format format
check spdx headers
check cppcheck cppcheck_all
check shell syntax_sh
check clang make --no-print-directory -s -j2 lint-clang
check docs make --no-print-directory -s lint-docs
exit $bad
