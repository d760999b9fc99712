#!/bin/bash
# kiln run --stats: what a program with known numbers of everything gets counted.
. tests/system/lib.sh

# figures LOG CPUS [no-calls]: check the JSON line in it.
figures() {
	python3 - "$@" <<'P'
import json, sys
line = [l for l in open(sys.argv[1], errors="replace") if l.startswith('{"stats"')]
if len(line) != 1:
    sys.exit("no line of JSON")
s, cpus, wrong = json.loads(line[0])["stats"], int(sys.argv[2]), []
def want(what, ok):
    if not ok: wrong.append(what)
want("peak", 12 * 1024 <= s["memory"]["peak_kb"] < 16 * 1024)
want("end", s["memory"]["end_kb"] < 4 * 1024 < s["memory"]["total_kb"])
want("faults", 12 * 256 <= s["faults"]["resolved"] < 12 * 256 + 500)
# On two CPUs an answer may come before the other has gone to sleep.
want("switches", s["switches"]["voluntary"] >= (400 if cpus == 1 else 50))
want("timers", s["interrupts"]["timer"] >= 20)
want("lo", s["lo"]["opackets"] >= 10 and s["lo"]["obytes"] >= 1280 and s["lo"]["ipackets"] >= 10)
want("time", 60000 <= s["time"]["real_us"] and 0 < s["time"]["cpu_us"] <= cpus * s["time"]["real_us"])
if cpus == 2:
    want("sum", s["cpu0"]["voluntary"] + s["cpu1"]["voluntary"] == s["switches"]["voluntary"])
    want("faults of CPUs", s["cpu0"]["faults"] + s["cpu1"]["faults"] == s["faults"]["resolved"])
else:
    want("one CPU", "cpu0" not in s)
if len(sys.argv) > 3:
    want("no calls", "calls" not in s)
else:
    by = s["calls"]["by_name"]
    want("getppid", by["getppid"]["calls"] == 123 and by["getppid"]["errors"] == 0)
    want("close", by["close"]["errors"] == 7)
    want("nanosleep", by["nanosleep"]["calls"] == 20 and by["nanosleep"]["us"] >= 60000)
    want("all calls", s["calls"]["calls"] == sum(c["calls"] for c in by.values()))
sys.exit("wrong: %s in %s" % (", ".join(wrong), s) if wrong else 0)
P
}

for platform in hw hosted; do
	BAKE_OPTIONS="--platform $platform --with kern/stats"
	bake_program stats
	mv "$work/stats.img" "$work/few.img"
	BAKE_OPTIONS="--platform $platform --debug"
	bake_program stats
	for cpus in 1 2; do
		name="$platform, --cpus $cpus"
		log=$work/log.$platform.$cpus
		run_guest "$log" --cpus $cpus --stats=json "$work/stats.img"
		[ "$status" = 0 ] && why=$(figures "$log" $cpus 2>&1) && ok "$name: the figures" || fail "$name: $status $why"
	done
	run_guest "$log" --stats=json "$work/few.img"
	[ "$status" = 0 ] && why=$(figures "$log" 1 no-calls 2>&1) && ok "$platform: without the tracer" ||
	    fail "$platform: without the tracer: $status $why"
	run_guest "$log" --stats "$work/stats.img"
	[ "$(grep -cE '^kiln: (time|memory|context switches|page faults|interrupts|lo|system calls) +[0-9]' "$log")" = 7 ] &&
	    grep -qE '^kiln: +[0-9]+\.[0-9] +[0-9]+\.[0-9]{6} +[0-9]+ +123 +0 getppid' "$log" &&
	    ok "$platform: a table" || fail "$platform: a table"
	run_guest "$log" --stats "$work/stats.img" -- crash
	[ "$status" = 139 ] && sed '1,/fatal signal 11/d' "$log" | grep -qE '^kiln: page faults +[0-9]{4} ' &&
	    ok "$platform: after a crash" || fail "$platform: after a crash: $status"
	run_guest "$log" "$work/stats.img"
	[ "$(tr -d '\r' < "$log")" = "done" ] && ok "$platform: silent unless asked" || fail "$platform: silent unless asked"
done
exit $failed
