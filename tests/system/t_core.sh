#!/bin/bash
# Core dumps and gdb: what gdb finds in a core of a guest, and how it lists and shows lwps, there and on a live guest.
. tests/system/lib.sh
command -v gdb > /dev/null || { echo "skip core gdb is not installed"; exit 0; }
bake_program core -g -O1
bake_program kcrash
img=$work/core.img
cp "$work/core" "$work/hosted"
kiln bake --platform hosted "$work/hosted" -o "$work/hosted.img" > "$work/hosted.bake" || { fail "hosted.img"; exit 1; }

# has NAME LOG PATTERN...: all are in the log, in this order.
has() {
	local name=$1 log=$2 at=0 n pattern
	shift 2
	for pattern; do
		n=$(tail -n +$((at + 1)) "$log" | grep -anm1 -E -- "$pattern") || {
			tail -n 60 "$log"
			fail "$name: no '$pattern' in its place"
			return
		}
		at=$((at + ${n%%:*}))
	done
	ok "$name"
}

# look NAME IMAGE COMMAND...: gdb's commands on $work/NAME.core, output in $work/NAME.gdb.
look() {
	local name=$1 image=$2 c args=()
	shift 2
	for c; do args+=(-ex "$c"); done
	timeout 60 kiln gdb "$image" "$work/$name.core" -- -nx -batch "${args[@]}" > "$work/$name.gdb" 2>&1 < /dev/null
}

# crash NAME IMAGE STATUS KILN-RUN-ARGUMENTS...
crash() {
	local name=$1 image=$2 want=$3
	shift 3
	run_guest "$work/$name.log" --core "$work/$name.core" "$image" "$@"
	[ "$status" = "$want" ] && grep -qF "kiln gdb $image $work/$name.core" "$work/$name.log" && return
	tail -n 20 "$work/$name.log"
	fail "$name: status $status instead of $want, or it does not say how to look at the core"
	return 1
}

for platform in core hosted; do
	for cpus in 1 2; do
		n=$platform-$cpus
		crash $n "$work/$platform.img" 139 --cpus $cpus -- segv || continue
		look $n "$work/$platform.img" bt 'info args' 'info locals' 'p the_answer' 'info lwps' 'lwp 2' bt 'lwp 3' bt 'info threads' 'lwp 99'
		has "$n: the thread that crashed" "$work/$n.gdb" 'SIGSEGV' '#0 .*crash_here \(where=.*0x10.*how=' '#1 .* main \(argc=2' \
		    'where = 0x10' 'how = .*"segv"' 'local_of_crash = 7' ' = 42'
		has "$n: info lwps" "$work/$n.gdb" 'Lwp +State +CPU' " 1  running +[01] +$platform .*crash_here \\(.*core.c:" \
		    ' -1  sleeping +- +softint' " 2  sleeping +- +$platform +futex .*waiter" " 3  sleeping +- +$platform +nanosleep .*sleeper"
		has "$n: the others' backtraces" "$work/$n.gdb" 'info lwps|Waits for' '^#[0-9]+ .*sys_futex' '^#[0-9]+ .*pthread_cond_timedwait' \
		    '^#[0-9]+ .* waiter \(' '^#[0-9]+ .*sys_nanosleep' '^#[0-9]+ .* sleeper \(' "LWP 2 \"$platform\"" 'no lwp 99'
		timeout 60 gdb -nx -batch -ex 'thread 2' -ex bt -ex 'p the_answer' "$work/$platform.img.debug" "$work/$n.core" > "$work/$n.plain" 2>&1
		has "$n: without our script" "$work/$n.plain" '#0 .*crash_here \(where=.*0x10' ' waiter \(' ' = 42'
	done
done

crash abort "$img" 134 -- abort && look abort "$img" bt 'up 2' 'info locals' &&
    has "abort" "$work/abort.gdb" 'SIGABRT' '#0 .*raise ' '#1 .*abort ' '#2 .*crash_here' '#3 .* main' 'local_of_crash = 7'
[ "$(du -k "$work/abort.core" | cut -f1)" -lt 8192 ] && ok "a core is a file with holes" || fail "a core is large: $(du -k "$work/abort.core")"

# The kernel, and an end without a word, of which no lwp is known to be guilty.
crash panic "$work/kcrash.img" 134 -- null && look panic "$work/kcrash.img" bt &&
    has "a panic" "$work/panic.gdb" '#0 .*crash_null' 'kiln_crash'
crash lost "$img" 134 -- triple && look lost "$img" bt 'p the_answer' &&
    has "without a last word" "$work/lost.gdb" 'crash_here' ' = 42'

# No core of what is none.
run_guest "$work/exit.log" --core "$work/exit.core" "$img" -- exit
[ "$status" = 0 ] && [ ! -e "$work/exit.core" ] && ok "exit leaves no core" || fail "exit: status $status, $(ls "$work"/exit.core*)"
run_guest "$work/term.log" --core "$work/nowhere/core" "$img" -- segv
[ "$status" = 125 ] && ok "a core that cannot be written" || fail "a core that cannot be written: status $status"
ls -A "$work" | grep -q '^\.kiln\.' && fail "scratch files are left behind" || ok "nothing is left behind"

# A guest that computes and does not end; SIGTERM is no crash.
for platform in core hosted; do
	i=$work/$platform.img n=timeout-$platform
	crash $n "$i" 142 --timeout 4 -- spin && look $n "$i" bt && has "$platform: --timeout" "$work/$n.gdb" '#[01] .*crash_here' ' main '
	n=quit-$platform
	kiln run --core "$work/$n.core" "$i" -- spin > "$work/$n.log" 2>&1 < /dev/null &
	guest=$!
	wait_text "$work/$n.log" now
	kill -QUIT $guest
	wait_text "$work/$n.log" 'core written' && look $n "$i" bt && has "$platform: SIGQUIT" "$work/$n.gdb" '#[01] .*crash_here' ' main '
	sleep 0.3
	kill -0 $guest && ok "$platform: SIGQUIT: it goes on" || fail "$platform: SIGQUIT ended it"
	kill -TERM $guest
	wait $guest
	status=$?
	[ $status = 143 ] && [ "$(grep -c 'core written' "$work/$n.log")" = 1 ] && ok "$platform: SIGTERM leaves no core" ||
	    fail "$platform: SIGTERM: status $status, $(grep -c 'core written' "$work/$n.log") cores"
done

# A live guest: from the start, and one that is found running.
port=$(free_port)
timeout 120 kiln run --cpus 2 --gdb=$port "$img" -- spin > "$work/live.log" 2>&1 < /dev/null &
guest=$!
wait_text "$work/live.log" 'gdb -x'
script=$(sed -n 's/^ *gdb -x //p' "$work/live.log")
# An lwp's registers were in the CPU: it must compute as before.
timeout 60 gdb -nx -batch -x "$script" -ex 'hbreak crash_here' -ex continue -ex 'info lwps' -ex 'lwp 2' -ex bt -ex lwp -ex bt \
    -ex 'lwp 3' -ex bt -ex 'print $rip' -ex detach > "$work/live.gdb" 2>&1 < /dev/null
has "live: lwps" "$work/live.gdb" 'crash_here' ' 1  running' ' 2  sleeping +- +core +futex' ' 3  sleeping' '^#[0-9]+ .* waiter \(' '^#0 .*crash_here' '^#[0-9]+ .* sleeper \('
sleep 0.5
timeout 60 kiln gdb --port $port "$img" -- -nx -batch -ex 'info lwps' -ex 'lwp 1' -ex bt -ex 'p the_answer' -ex 'p spun > 1000' -ex kill > "$work/found.gdb" 2>&1 < /dev/null
has "live: found running" "$work/found.gdb" ' 1  running' '#[0-9]+ .*crash_here' '#[0-9]+ .* main' ' = 42' ' = 1'
kill $guest 2> /dev/null
wait $guest
# A process.
kiln run --cpus 2 "$work/hosted.img" -- spin > "$work/process.log" 2>&1 < /dev/null &
guest=$!
wait_text "$work/process.log" now
timeout 60 kiln gdb --pid "$(pgrep -P $guest)" "$work/hosted.img" -- -nx -batch -ex 'info lwps' -ex 'lwp 2' -ex bt -ex 'lwp 1' -ex bt \
    -ex 'lwp 3' -ex bt -ex 'set variable spun = 0' -ex detach > "$work/process.gdb" 2>&1 < /dev/null
has "a process: lwps" "$work/process.gdb" ' 1  running' ' 2  sleeping +- +hosted +futex' '^#[0-9]+ .* waiter \(' '^#[01] .*crash_here' '^#[0-9]+ .* sleeper \('
sleep 0.3
timeout 60 kiln gdb --pid "$(pgrep -P $guest)" "$work/hosted.img" -- -nx -batch -ex 'p spun > 1000' > "$work/again.gdb" 2>&1 < /dev/null
has "a process: it went on" "$work/again.gdb" ' = 1'
kill -TERM $guest
wait $guest
[ $? = 143 ] && ok "a process: it ends as it would" || fail "a process: status $?"
exit $failed
