#!/bin/bash
# kiln profile: where a program of known habits spends its time; its folded stacks and its picture.
. tests/system/lib.sh
bake_program profile
img=$work/profile.img

# profile NAME SECONDS KILN-PROFILE-ARGUMENTS...: a run that must end with the program's own status.
profile() {
	local name=$1
	shift
	(timeout --foreground -k 5 90 kiln profile -o "$work/$name" --net none "$@" > "$work/$name.log" 2>&1 < /dev/null; exit $?) 2> /dev/null
	status=$?
	[ $status = 3 ] && grep -q '^done' "$work/$name.log" && grep -qF "written: $work/$name.svg, $work/$name.folded" "$work/$name.log" && return
	cat "$work/$name.log"
	fail "$name: status $status"
	return 1
}

# share NAME LOW HIGH: the part of all samples whose stack matches main;work;...FUNCTION, in percent.
share() {
	python3 - "$work/$1.folded" "$2" "$3" << 'PY' && ok "$1: time by function" || fail "$1: time by function"
import sys
total, by = 0, {}
for line in open(sys.argv[1]):
    stack, count = line.rsplit(" ", 1)
    frames = stack.split(";")
    total += int(count)
    for f in set(frames):
        by[f] = by.get(f, 0) + int(count)
    # A function that is in the stack at all is called by who calls it.
    for callee, caller in (("three_quarters", "work"), ("one_quarter", "work"), ("work", "main")):
        if callee in frames:
            i = frames.index(callee)
            assert i > 0 and frames[i - 1] == caller, stack
three, one = by.get("three_quarters", 0), by.get("one_quarter", 0)
print("# %d samples, three_quarters %d, one_quarter %d, work %d" % (total, three, one, by.get("work", 0)))
assert total >= 100, "too few samples"
assert by["work"] >= 0.9 * total
share = 100 * three / (three + one)
assert float(sys.argv[2]) <= share <= float(sys.argv[3]), share
PY
}

# picture NAME: well-formed, and its boxes are as wide as the folded stacks say.
picture() {
	python3 - "$work/$1.folded" "$work/$1.svg" << 'PY' && ok "$1: the picture" || fail "$1: the picture"
import sys, xml.etree.ElementTree as E
s = "{http://www.w3.org/2000/svg}"
root = E.parse(sys.argv[2]).getroot()
assert root.tag == s + "svg"
total = sum(int(l.rsplit(" ", 1)[1]) for l in open(sys.argv[1]))
boxes = {}
for g in root.iter(s + "g"):
    r, name, title = g.find(s + "rect"), g.get("data-n"), g.find(s + "title").text
    assert title.startswith(name + " ("), title
    boxes.setdefault(name, []).append((float(r.get("x")), float(r.get("y")), float(r.get("width"))))
assert abs(boxes["all"][0][2] - 1200) < 0.1
three = sum(int(l.rsplit(" ", 1)[1]) for l in open(sys.argv[1]) if "three_quarters" in l)
assert abs(sum(b[2] for b in boxes["three_quarters"]) - 1200 * three / total) < 1
# Callees above their callers, within their width.
(wx, wy, ww), (tx, ty, tw) = boxes["work"][0], boxes["three_quarters"][0]
assert ty < wy and tx >= wx - 0.1 and tx + tw <= wx + ww + 0.1
PY
}

profile one --rate 97 "$img" -- 4 && share one 63 87 && picture one
# Two CPUs, of which one has nothing to do; another kind of machine.
if profile two --cpus 2 --machine q35 "$img" -- 4; then
	share two 63 87
	idle=$(sed -nE 's/.* samples, ([0-9]+)% of them idle.*/\1/p' "$work/two.log")
	[ "$idle" -ge 35 ] && [ "$idle" -le 60 ] && ok "two: half of it idle" || fail "two: $idle% idle"
fi
# A process.
BAKE_OPTIONS='--platform hosted'
cp "$img" "$work/hw.img" && cp "$img.debug" "$work/hw.img.debug"
bake_program profile
profile hosted --rate 250 --cpus 2 "$img" -- 4 && share hosted 63 87 && picture hosted
BAKE_OPTIONS=
mv "$work/hw.img" "$img" && mv "$work/hw.img.debug" "$img.debug"
# A program that mostly waits.
if profile idle "$img" -- 1 sleep; then
	idle=$(sed -nE 's/.* samples, ([0-9]+)% of them idle.*/\1/p' "$work/idle.log")
	[ "$idle" -ge 30 ] && [ "$idle" -le 70 ] && ok "idle: what waits is not in the picture" || fail "idle: $idle% idle"
	grep -q sched_idle_loop "$work/idle.folded" && fail "idle: the idle loop is there"
fi
# It ends as the program does, also by a crash, and says what it has.
bake_program core -g -O1
run_guest "$work/crash.log" --profile "$work/crash" "$work/core.img" -- segv
[ "$status" = 139 ] && [ -s "$work/crash.svg" ] && ok "a crash" || fail "a crash: status $status"
run_guest "$work/nowhere.log" --profile "$work/nowhere/p" "$img" -- 60
[ "$status" = 125 ] && grep -q 'nowhere' "$work/nowhere.log" && ok "files that cannot be written" || fail "files that cannot be written: status $status"
mv "$img.debug" "$img.hidden"
run_guest "$work/none.log" --profile "$work/none" "$img" -- 1
[ "$status" = 125 ] && grep -q 'no symbols' "$work/none.log" && ok "without symbols" || fail "without symbols: status $status"
exit $failed
