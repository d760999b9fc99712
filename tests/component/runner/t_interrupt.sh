#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t_interrupt.sh: tests/run.sh ends at once when it is told to, and leaves nothing behind.
cd "$(dirname "$0")/../../.." || exit 2
work=${TEST_WORK:-$(mktemp -d)}

# Dead, though nobody has buried it, is dead.
alive() { # PID
	grep -s '^State:' "/proc/$1/status" | grep -qv Z
}

# A test that runs beside others or alone, with something under a timeout that is deaf to SIGTERM.
for how in beside alone; do
	cat > "$work/t_interrupted_$how.sh" <<-END
		#!/bin/bash
		# $how
		timeout 60 bash -c 'trap "" TERM; echo \$\$ > $work/guest; exec sleep 50'
		echo ok never
	END
	chmod +x "$work/t_interrupted_$how.sh"
	for signal in INT TERM; do
		rm -f "$work/guest"
		# Without job control, what is in the background would ignore SIGINT.
		python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' /usr/bin/env TEST_LOGS="$work/log" tests/run.sh "$work/t_interrupted_$how.sh" > "$work/out" 2>&1 &
		runner=$!
		for _ in $(seq 100); do [ -s "$work/guest" ] && break; sleep 0.1; done
		guest=$(cat "$work/guest")
		t0=$SECONDS
		kill -$signal $runner
		wait $runner
		status=$?
		name="runner_$how SIG$signal"
		# One that was killed takes its time to die where the CPUs are busy.
		for _ in $(seq 20); do alive "$guest" && sleep 0.1; done
		if alive "$guest"; then
			echo "FAIL $name leaves its guest behind"
			kill -KILL "$guest"
		elif [ $status -lt 128 ] || [ $((SECONDS - t0)) -gt 10 ]; then
			echo "FAIL $name status $status after $((SECONDS - t0)) s: $(tail -n 3 "$work/out")"
		else
			echo "ok $name"
		fi
	done
done
