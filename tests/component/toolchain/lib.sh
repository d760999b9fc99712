# SPDX-License-Identifier: BSD-2-Clause
# lib.sh - for the tests of the toolchain; sourced.
top=$(cd "$(dirname "$0")/../../.." && pwd)
here=$top/tests/component/toolchain
PATH=$top/build/bin:$PATH
if [ -n "${TEST_WORK:-}" ]; then
	work=$TEST_WORK
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
cd "$work" || exit 2
failures=0

ok() { echo "ok $1"; }
fail() { echo "FAIL $1 ${2:-}"; failures=$((failures + 1)); }

# check NAME COMMAND...: succeeds.
check() {
	local name=$1
	shift
	if "$@" > out 2>&1; then ok "$name"; else fail "$name" "$(head -c 300 out | tr '\n' ' ')"; fi
}

# refuses NAME TEXT COMMAND...: fails, and says TEXT (extended expression).
refuses() {
	local name=$1 text=$2
	shift 2
	if "$@" > out 2>&1; then
		fail "$name" "succeeded"
	elif grep -qE -- "$text" out; then
		ok "$name"
	else
		fail "$name" "said: $(head -c 300 out | tr '\n' ' ')"
	fi
}

# is NAME EXPECTED ACTUAL
is() { if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "expected '$2', found '$3'"; fi; }

undefined() { nm "$1" | awk '$1 == "U" && $2 ~ /^sys_/ { print $2 }' | sort | tr '\n' ' ' | sed 's/ $//'; }

finish() { exit $((failures > 0)); }
