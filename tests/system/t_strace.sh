#!/bin/bash
# kiln run --strace: known calls and what is printed of them.
. tests/system/lib.sh

# Addresses and times differ from run to run; what comes before the program's part is libc's.
normal() { tr -d '\r' | sed -E 's/0x[0-9a-f]{6,}/ADDR/g; s/(CLOCK_MONOTONIC, ).*\)/\1TIME)/' | sed -n '/^== /,$p'; }
same() { # NAME EXPECTED LOG
	if normal < "$3" | diff "$2" - > "$3.diff"; then ok "$1"; else head -n 20 "$3.diff"; fail "$1"; fi
}
# Called by number only.
hidden=sendmsg,recvmsg,connect,getsockopt,accept,getcwd,uname,stat,statx,prlimit64,sigaltstack,setitimer,timer_settime
hidden+=,utimensat,pipe2,getrusage,openat,rename,readv,sendto,recvfrom
threads=pipe,read,write,nanosleep,futex,exit,exit_group
for platform in hw hosted; do
	BAKE_OPTIONS="--platform $platform --debug --syscalls $hidden"
	bake_program strace -Wno-unused-result
	mv "$work/strace.img" "$work/$platform.img"
	BAKE_OPTIONS="--platform $platform"
	bake_program strace -Wno-unused-result
	for cpus in 1 2; do
		name="$platform, --cpus $cpus"
		log=$work/log.$platform.$cpus
		run_guest "$log" --cpus $cpus --strace "$work/$platform.img" -- files memory waiting signals sockets missing
		[ "$status" = 3 ] || fail "$name: status $status"
		same "$name: arguments and results" tests/system/strace.expected "$log"
		run_guest "$log" --cpus $cpus --strace=$threads "$work/$platform.img" -- threads
		for line in '[1] nanosleep({tv_sec=0, tv_nsec=300000000},  <unfinished ...>' '[2] read(3,  <unfinished ...>' \
		    '[1] <... nanosleep resumed>NULL) = 0' '[2] <... read resumed>"x", 1) = 1' '[1] write(4, "x", 1) = 1' \
		    '[2] exit(0) = ?' '[2] +++ exited with 0 +++' '[1] exit_group(3) = ?' '[1] +++ exited with 3 +++'; do
			tr -d '\r' < "$log" | grep -qxF "$line" || fail "$name: threads: no $line"
		done
		grep -q 'mmap' "$log" && fail "$name: a call that was not asked for"
		ok "$name: threads that wait"
		run_guest "$log" --cpus $cpus --strace "$work/$platform.img" -- torn
		tr -d '\r' < "$log" | sed -n '/^== /,$p' > "$log.lines"
		odd=$(grep -cvE '^(== torn|thread [0-3] says [0-9]+|\[[0-9]+\] (<\.\.\. )?[a-z0-9_]+( resumed>|\().*( = .*| <unfinished \.\.\.>)|\[[0-9]+\] \+\+\+ exited with [03] \+\+\+)$' "$log.lines")
		[ "$odd" = 0 ] && [ "$(grep -c '^thread' "$log.lines")" = 800 ] &&
		    [ "$(grep -cE '^\[[2-5]\] (write\(1|<... write)' "$log.lines")" = 800 ] &&
		    [ "$(grep -cE '^\[[2-5]\] getpid\(\) = 1$' "$log.lines")" = 800 ] && ok "$name: no line is torn" ||
		    fail "$name: $odd torn lines"
	done
	run_guest "$log" --strace "$work/$platform.img" -- garbage
	[ "$status" = 3 ] && grep -q '^survived' "$log" && ok "$platform: bad addresses" || fail "$platform: bad addresses: $status"
	run_guest "$log" --strace "$work/$platform.img" -- killed
	grep -q '\[1\] --- SIGTERM {si_signo=SIGTERM, si_code=SI_TKILL, si_pid=1, si_uid=0} ---' "$log" &&
	    grep -q '\[1\] +++ killed by SIGTERM +++' "$log" && ok "$platform: a signal that kills" ||
	    fail "$platform: a signal that kills"
	run_guest "$log" "$work/$platform.img" -- files
	[ "$(tr -d '\r' < "$log")" = "== files" ] && ok "$platform: silent unless asked" || fail "$platform: silent unless asked"
	run_guest "$log" --strace "$work/strace.img"
	[ "$status" = 125 ] && grep -q -- '--debug, or --with kern/strace' "$log" &&
	    ok "$platform: an image without the tracer" || fail "$platform: an image without the tracer"
done
exit $failed
