#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kiln run with a stand-in for QEMU: exit statuses, Ctrl-C, errors; and with a
# toy image of platform hosted, which needs no QEMU.
. "$(dirname "$0")/world.sh"
make_world
gcc -Wall -o "$dir/fakeqemu" "$(dirname "$0")/fakeqemu.c" || exit 1
export KILN_QEMU=$dir/fakeqemu KILN_ACCEL=tcg FAKE_PID=$dir/pid

program hello <<'C'
long sys_write(int, const void *, unsigned long), sys_exit(int);
void _start(void);
void _start(void) { sys_write(1, "hello\n", 6); sys_exit(0); }
C
program net <<'C'
long sys_socket(void), sys_exit(int);
void _start(void);
void _start(void) { sys_socket(); sys_exit(0); }
C
"$kiln" bake "$dir/hello" -o "$dir/hello.img" > /dev/null || exit 1
"$kiln" bake "$dir/net" -o "$dir/net.img" > /dev/null || exit 1
"$kiln" bake -p hosted "$dir/hello" -o "$dir/hosted.img" > /dev/null || exit 1
img=$dir/hello.img
run() { "$kiln" run "$@"; }
fake() { FAKE=$1; export FAKE; shift; "$kiln" run "$@"; }

fake_how() { FAKE=$1; export FAKE; shift; how "$kiln" run "$@"; }

for n in 0 1 125 134 139 255; do
	expect "exit status $n passes through" 0 "^exit $n\$" fake_how "exit $n" "$img"
done
expect "console output comes through" 0 '^booting' fake "exit 0" "$img"
expect "a signal is a death by that signal" 0 '^signal 11$' fake_how "signal 11" "$img"
expect "and is said in words" 0 'hello was killed by signal 11 \(Segmentation fault\)' fake_how "signal 11" "$img"
expect "SIGKILL, too" 0 '^signal 9$' fake_how "signal 9" "$img"
expect "a panic is SIGABRT" 0 '^signal 6$' fake_how panic "$img"
expect "a guest that ends without a word is SIGABRT" 0 '^signal 6$' fake_how lost "$img"
expect "and is said in words" 0 'ended without a word' fake_how lost "$img"
expect "a machine that QEMU stops is not waited for" 0 '^signal 6$' fake_how stop "$img"
expect "QEMU's refusal is 125" 125 'the machine could not be started' fake refuse "$img"
expect "a guest that lingers after its last word" 6 '' fake linger "$img"
for w in "exit 3" "signal 11" panic lost refused; do
	fake_how "${w/refused/refuse}" --status-file "$dir/word" "$img" > /dev/null
	[ "$(cat "$dir/word")" = "$w" ] && ok "status file: $w" || fail "status file: $w" "$(cat "$dir/word")"
done

fake binary "$img" > "$dir/bin.out" 2>/dev/null
printf 'booting\n\000\001\377\r\r\n\000\r\n\r' | cmp -s - "$dir/bin.out" && ok "output is unchanged" || fail "output is unchanged" "$(od -c "$dir/bin.out")"
# stuck HOW...: a reader that never reads; says after which of HOW's signals kiln run has ended, and how.
cat > "$dir/stuck.py" << 'PY'
import os, signal, subprocess, sys, time
how = [] if sys.argv[1] == "-" else sys.argv[1].split()
p = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
time.sleep(1.5)
assert p.poll() is None
for s in how:
    p.send_signal(getattr(signal, s))
try:
    p.wait(8)
    print("ended", p.returncode)
except subprocess.TimeoutExpired:
    p.kill()
    print("never ends")
PY
expect "a reader that is stuck: SIGTERM ends us" 0 '^ended -15$' env FAKE=big python3 "$dir/stuck.py" SIGTERM "$kiln" run "$img"
expect "a reader that is stuck: Ctrl-C ends us" 0 '^ended -2$' env FAKE=big python3 "$dir/stuck.py" SIGINT "$kiln" run "$img"
expect "a reader that is stuck: so does the time limit" 0 '^ended (142|-14)$' env FAKE=big python3 "$dir/stuck.py" - "$kiln" run --timeout 3 "$img"
n=$(fake big "$img" | (sleep 0.5; wc -c))
[ "$n" = 1100008 ] && ok "a slow reader loses nothing" || fail "a slow reader loses nothing" "$n bytes"
[ "$(echo abc | fake echo "$img" 2>&1)" = "$(printf 'booting\nabc')" ] && ok "standard input goes to the guest" || fail "standard input" ""
expect "output that cannot be written" 125 'standard output: No space left' sh -c "'$kiln' run --status-file '$dir/word' '$img' > /dev/full"
expect "in the status file" 0 '^output$' cat "$dir/word"
expect "output that cannot be written, much of it" 125 'standard output: No space left' env FAKE=big sh -c "'$kiln' run '$img' > /dev/full"
timeout 10 "$kiln" run "$img" < /dev/null 2>/dev/null | true; ok "a reader that leaves"

FAKE_ADDR=0x$(nm "$img.debug" | awk '$3 == "rumpns_rumpkern_main" || $3 == "rumpkern_main" { print $1 }'); export FAKE_ADDR
expect "crash addresses get names on stderr" 0 "image\\+$FAKE_ADDR rumpkern_main\\+0x0" fake_how crash "$img"
expect "with file and line" 0 '#0 image.*<stdin>:[0-9]+' fake_how crash "$img"
fake crash "$img" 2>/dev/null > "$dir/crash.log" < /dev/null
FAKE_BUILD=$(readelf -n "$img" | sed -n 's/.*Build ID: //p'); export FAKE_BUILD
expect "a crash of this build" 0 '#0 image.* rumpkern_main' fake_how crash "$img"
FAKE_BUILD=00112233445566778899; export FAKE_BUILD
fake crash "$img" 2> "$dir/other.err" > "$dir/other.log" < /dev/null
expect "a crash of another build is said" 0 "^kiln symbolize: no names for these addresses: .*hello.img.debug is of build [0-9a-f]{16}, but build 0011223344556677 crashed\$" \
	sh -c "'$kiln' symbolize '$img' < '$dir/other.log'"
expect "its lines are as they were" 0 '' sh -c "'$kiln' symbolize '$img' < '$dir/other.log' 2>/dev/null | tr -d '\r' > '$dir/copied'; tr -d '\r' < '$dir/other.log' | cmp - '$dir/copied'"
expect "there is no wrong name" 1 '' grep -q 'rumpkern_main' "$dir/other.err"
cat "$dir/other.log" "$dir/crash.log" > "$dir/two.log"
expect "of two crashes each counts for itself" 0 '^1$' sh -c "FAKE_BUILD= '$kiln' symbolize '$img' < '$dir/two.log' 2>&1 | grep -c 'no names'"
unset FAKE_BUILD
cp "$img" "$dir/alone.img"
expect "no symbols: said where the names would be" 0 'kiln run: no names for these addresses: .*alone.img.debug: No such file' fake_how crash "$dir/alone.img"
[ "$(grep -c 'no names' "$dir/out")" = 1 ] && ok "once" || fail "once" "$(cat "$dir/out")"
expect "and nothing of it without a crash" 1 '' sh -c "FAKE='exit 0' '$kiln' run '$dir/alone.img' 2>&1 | grep 'no names'"
program smash <<'C'
long sys_exit(int);
void __stack_chk_fail(void); __attribute__((noinline)) void __stack_chk_fail(void) { sys_exit(1); }
void _start(void);
void _start(void) { __stack_chk_fail(); sys_exit(0); }
C
"$kiln" bake "$dir/smash" -o "$dir/smash.img" > /dev/null
expect "a smashed stack, in words" 0 'kiln: stack smashing detected' env \
	FAKE_ADDR=0x"$(nm "$dir/smash.img.debug" | awk '$3 == "__stack_chk_fail" { print $1 }')" FAKE=crash python3 "$dir/how.py" "$kiln" run "$dir/smash.img"
expect "kiln symbolize does the same to a log" 0 '#0 image.* rumpkern_main' sh -c "'$kiln' symbolize '$img' < '$dir/crash.log'"
expect "and keeps the other lines" 0 '^end$' sh -c "'$kiln' symbolize '$img' < '$dir/crash.log'"
expect "symbolize finds the only image" 1 'which image' sh -c "cd '$dir' && '$kiln' symbolize < crash.log"
expect "symbolize without symbols" 1 'no symbols for /nosuch' "$kiln" symbolize /nosuch

# Signals.  start FAKE OPTIONS...: in the background, until it has said something.
start() {
	rm -f "$dir/pid"
	FAKE=$1; export FAKE; shift
	launch "$kiln" run "$@"
}
alive() { grep -qs '^State:.[^Z]' "/proc/$1/status"; } # whoever inherits a zombie may leave it
ended() { # NAME EXPECTED
	landed
	if [ "$got" != "$2" ]; then fail "$1" "$got instead of $2"
	elif alive "$(cat "$dir/pid")"; then fail "$1" "QEMU is still there"
	else ok "$1"; fi
}
for s in INT TERM HUP; do
	start button "$img"; kill -$s "$launcher"
	ended "SIG$s presses the power button; the program's status counts" "exit 5"
done
start deaf "$img"; kill -INT "$launcher"; sleep 0.2; kill -INT "$launcher"
ended "a second Ctrl-C ends the guest" "signal 2"
start deaf --grace 1 "$img"; kill -TERM "$launcher"
ended "the grace period ends the guest" "signal 15"
start stubborn --grace 0 "$img"; kill -TERM "$launcher"
ended "a QEMU that ignores SIGTERM" "signal 15"
start deaf --timeout 1 "$img"
ended "--timeout ends the guest, by SIGALRM" "signal 14"
start deaf "$img"; kill -KILL "$launcher"; wait "$waiter"; sleep 0.3
! alive "$(cat "$dir/pid")" && ok "SIGKILL of the launcher leaves no QEMU behind" || fail "SIGKILL of the launcher" "QEMU is still there"

# The command.
expect "dry run: a command for the shell" 0 'fakeqemu -accel tcg -cpu max -machine microvm.* -m 32M -smp 2 .*-serial chardev:console.*-kernel ' run --dry-run -m 32M --cpus 2 "$img"
expect "user network when the image has one" 0 'netdev user,id=n0 -device virtio-net-device,netdev=n0' run --dry-run "$dir/net.img"
expect "no network when it has none" 1 '^0$' sh -c "'$kiln' run --dry-run '$img' | grep -c netdev"
expect "ports" 0 'hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:0.0.0.0:53-:5353 -device virtio-net-pci' run --dry-run --machine pc -p 8080:80 -p 0.0.0.0:53:5353/udp "$dir/net.img"
expect "TAP" 0 'netdev tap,id=n0,ifname=tap7,script=no,downscript=no .*mac=52:54:00' run --dry-run --net tap=tap7 "$dir/net.img"
expect "a disk for an image that knows none" 125 'knows no disks' run --dry-run --disk /dev/null "$img"
expect "the launch document" 0 "append '\\{\"args\":\\[\"a\",\"--b c\"\\],\"env\":\\{\"K\":\"v=w\"\\},\"hostname\":\"box\",\"net\":\\{\"if\":\\[\\{\"mode\":\"static\",\"address\":\"10.0.2.15/24\",\"gateway\":\"10.0.2.2\",\"dns\":\\[\"10.0.2.3\"\\]\\}\\]\\}\\}'" run --dry-run -e K=v=w --hostname box "$dir/net.img" -- a '--b c'
expect "a variable given twice: the last value" 0 '"env":\{"A":"2=","AA":"3"\}' run --dry-run -e A=1 -e AA=3 -e A=2= "$img"
expect "tracing an image that cannot" 125 'bake it again with --debug, or --with kern/strace' run --dry-run --strace "$img"
expect "figures of an image that cannot" 125 'bake it again with --debug, or --with kern/stats' run --dry-run --stats "$img"
expect "figures in what form" 125 'table, json' run --dry-run --stats=xml "$img"
expect "DHCP" 0 '\{"if":\[\{"mode":"dhcp"\}\]\}' run --dry-run --dhcp "$dir/net.img"
expect "a static address" 0 '"address":"192.0.2.5/24","gateway":"192.0.2.1","dns":\["192.0.2.9"\]' run --dry-run --net tap=t --ip 192.0.2.5/24 --gw 192.0.2.1 --dns 192.0.2.9 "$dir/net.img"
expect "a long document goes through fw_cfg" 0 "append fw_cfg:opt/kiln/config -fw_cfg 'name=opt/kiln/config,string=\{\"args\":\[\"a,,b\",,\"x{4000}\"\]\}'" run --dry-run "$img" -- a,b "$(printf 'x%.0s' $(seq 4000))"
expect "a document that is too long" 125 'too long: [0-9]+ bytes of 65536' run --dry-run "$img" -- "$(printf 'x%.0s' $(seq 70000))"
expect "no --: baked arguments stay" 0 "append '\\{\\}'" run --dry-run "$img"
expect "--: no arguments" 0 'append .\{"args":\[\]\}' run --dry-run "$img" --

# Errors, all with status 125.
expect "a status file that cannot be written: before the start" 125 'nodir/word: No such file' fake "exit 0" --status-file "$dir/nodir/word" "$img"
echo stale > "$dir/word"
expect "an earlier status is gone when the machine starts" 125 'nosuchqemu' env KILN_QEMU=nosuchqemu "$kiln" run --status-file "$dir/word" "$img"
expect "it is empty" 0 '' test ! -s "$dir/word"
expect "QEMU missing: the package" 125 'nosuchqemu is not installed: apt-get install qemu-system-x86' env KILN_QEMU=nosuchqemu "$kiln" run "$img"
python3 -c '
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(1)
open(sys.argv[1], "w").write(str(s.getsockname()[1])); time.sleep(60)' "$dir/port" & holder=$!
for _ in $(seq 100); do [ -s "$dir/port" ] && break; sleep 0.05; done
port=$(cat "$dir/port")
expect "a port that is taken" 125 "-p $port:80: TCP port $port on 127.0.0.1 is in use already" run -p "$port:80" "$dir/net.img"
expect "the port for gdb is taken" 125 "--gdb=$port: TCP port $port on 127.0.0.1 is in use already" run --gdb=$port "$img"
kill $holder; wait $holder 2>/dev/null
expect "a port given twice" 125 'is in use already' run -p "$port:80" -p "$port:81" "$dir/net.img"
expect "a foreign address" 125 'is no address of this machine' run -p 192.0.2.77:8080:80 "$dir/net.img"
expect "not an image: host executable" 125 'not a Kiln image but an executable of the host' run /bin/ls
expect "not an image: unbaked" 125 'bake it first' run "$dir/hello"
expect "another platform" 125 "baked for hw; bake it again with --platform hosted" run --platform hosted "$img"
sed 's/Kiln\(....\)\x01\x00\x00\x00/Kiln\1\x63\x00\x00\x00/' "$img" > "$dir/v99.img"
python3 - "$img" "$dir/v99.img" <<'PY'
import sys
d = open(sys.argv[1], "rb").read(); i = d.index(b"Kiln\0\0\0\0") + 8
open(sys.argv[2], "wb").write(d[:i] + b"\x63" + d[i+1:])
PY
for n in 64 100 $(($(wc -c < "$img") / 2)) $(($(wc -c < "$img") - 1)); do
	head -c "$n" "$img" > "$dir/cut.img"
	expect "truncated to $n bytes" 125 "cut.img: truncated: $n bytes of at least [0-9]+\$" run "$dir/cut.img"
done
# A TAP device that somebody has, in a network of our own; and a /dev without the rest.
cat > "$dir/tap.sh" <<'SH'
python3 -c 'import fcntl, struct, time, sys
f = open("/dev/net/tun", "r+b", buffering=0)
fcntl.ioctl(f, 0x400454ca, struct.pack("16sH22x", b"kilnt0", 0x1002))
time.sleep(60)' &
holder=$!
for _ in $(seq 50); do ip link show kilnt0 > /dev/null 2>&1 && break; sleep 0.1; done
"$1" run --net tap=kilnt0 "$2"; status=$?
"$1" run --net tap=lo "$2"
kill $holder
exit $status
SH
if unshare -n sh -c 'python3 -c "open(\"/dev/net/tun\", \"r+b\", buffering=0)"' 2>/dev/null; then
	expect "a TAP device that is in use" 125 'tap=kilnt0: in use by another process' unshare -n sh "$dir/tap.sh" "$kiln" "$dir/net.img"
	grep -q 'tap=lo: not a TAP device' "$dir/out" && ok "no TAP device at all" || fail "no TAP device at all" "$(cat "$dir/out")"
else
	echo "skip a TAP device that is in use: no /dev/net/tun here"
fi
if unshare -m mount -t tmpfs none /dev 2>/dev/null; then
	expect "no KVM" 125 'accel kvm: /dev/kvm cannot be used \(no virtualization.*accepted: auto, tcg\): No such file' \
		unshare -m sh -c "mount -t tmpfs none /dev; exec '$kiln' run --accel kvm '$img'"
else
	echo "skip no KVM: no mount name space of our own"
fi
expect "another format" 125 'image of format 99, but this kiln knows format 1' run "$dir/v99.img"
expect "a TAP device that is not there" 125 'no such interface; create it: ip tuntap add nosuch0' run --net tap=nosuch0 "$dir/net.img"
expect "an unknown option" 125 "^see .kiln run --help'\$" run --nosuch "$img"
[ "$(wc -l < "$dir/out")" = 2 ] && ok "in two lines" || fail "in two lines" "$(cat "$dir/out")"
expect "no image" 125 'kiln run: which image\?$' run
expect "bad memory" 125 '-m 12Q: not a good value; accepted: a number with K, M or G' run -m 12Q "$img"
expect "too little memory" 125 '-m 1M: too little; .*hello.img needs 2M at least' run -m 1 "$img"
expect "odd memory" 125 '-m 4097K: must be whole MiB, such as 5M' run -m 4097K "$img"
expect "KiB that are whole MiB" 0 ' -m 4M ' run --dry-run -m 4096K "$img"
expect "bad port" 125 '-p 8080: not a good value; accepted: \[IP:\]HOSTPORT:GUESTPORT' run -p 8080 "$img"
expect "bad CPUs" 125 'accepted: a number from 1 to 32' run --cpus 99 "$img"
expect "bad machine" 125 'accepted: pc, q35, microvm' run --machine vax "$img"
expect "bad network" 125 'accepted: user, tap=INTERFACE, bridge=BRIDGE or none' run --net bridge "$img"
expect "arguments without --" 125 'arguments of the program come after --' run "$img" foo
expect "ports without the user network" 125 'only --net user forwards ports' run --net none -p 1:1 "$dir/net.img"
expect "ports of an image without network" 125 '-p 8080:80: .*hello.img has no network' run -p 8080:80 "$img"
expect "--gw without --ip" 125 'needs --ip' run --gw 10.0.0.1 "$img"

FAKE="exit 4" "$kiln" run "$img" <&- >&-; [ $? = 4 ] && ok "closed standard streams" || fail "closed standard streams" ""

# Hosted.
expect "hosted: the image is a process" 0 '^hello$' fake_how "" "$dir/hosted.img"
"$kiln" bake -p hosted "$dir/net" -o "$dir/neth.img" > /dev/null
expect "hosted: no user network" 125 'the user network belongs to QEMU' run -p 8080:80 "$dir/neth.img"
expect "hosted: the document" 0 'hosted.img .\{"hosted":\{"memory":33554432,"cpus":2\}\}' run --dry-run -m 32M --cpus 2 "$dir/hosted.img"

expect "gdb: the command" 0 'gdb .*hello.img.debug' fake "exit 0" --gdb "$img"
finish
