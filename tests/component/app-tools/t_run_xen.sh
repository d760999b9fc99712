#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kiln run on a host of Xen, with a stand-in for that (fakexen.py): the configuration, exit
# statuses, Ctrl-C, forwarded ports, errors.
. "$(dirname "$0")/world.sh"
make_world
program hello <<'C'
long sys_exit(int);
void _start(void);
void _start(void) { sys_exit(0); }
C
program net <<'C'
long sys_socket(void), sys_exit(int);
void _start(void);
void _start(void) { sys_socket(); sys_exit(0); }
C
for p in hello net; do "$kiln" bake -p xen "$dir/$p" -o "$dir/$p.img" > /dev/null || exit 1; done
"$kiln" bake "$dir/hello" -o "$dir/hw.img" > /dev/null || exit 1
img=$dir/hello.img
mkdir "$dir/bin" "$dir/nothing"
for t in xl xenstore-read xenstore-write xenstore-watch ip; do
	ln -s "$(realpath "$(dirname "$0")/fakexen.py")" "$dir/bin/$t"
done
ip=$(command -v ip)
export PATH=$dir/bin:$PATH FAKE_DIR=$dir/xen KILN_XENSTORED=$dir/store.socket KILN_XEN_CAPABILITIES=$dir/capabilities
echo control_d > "$dir/capabilities"
python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(9); time.sleep(600)' "$KILN_XENSTORED" &
store=$!
trap 'kill $store; rm -rf "$dir"' EXIT
wait_for test -S "$KILN_XENSTORED"

fresh() { rm -rf "$FAKE_DIR"; mkdir "$FAKE_DIR"; }
fake_how() { fresh; FAKE=$1; export FAKE; shift; how "$kiln" run "$@"; }
fake() { fresh; FAKE=$1; export FAKE; shift; "$kiln" run "$@"; }
inspect() { "$kiln" inspect --xl "$@"; }

for n in 000 001 125 255; do
	expect "exit status $n passes through" 0 "^exit $((10#$n))\$" fake_how "exit $n" "$img"
done
expect "console output comes through" 0 '^booting' fake "exit 000" "$img"
expect "the last word does not" 0 '^ending$' fake_how "exit 000" "$img"
expect "a signal is a death by that signal" 0 '^signal 11$' fake_how "signal 011" "$img"
expect "a panic is SIGABRT" 0 '^signal 6$' fake_how panic "$img"
expect "a guest that ends without a word is SIGABRT" 0 '^signal 6$' fake_how lost "$img"
expect "it is destroyed, too" 0 '^xl destroy 7$' cat "$FAKE_DIR/log"
expect "xl's refusal is 125" 125 'libxl: error: no memory' fake refuse "$img"
grep -q 'xl create failed' "$dir/out" && ok "in words" || fail "in words" "$(cat "$dir/out")"
expect "another domain of this name: 125" 125 'already exists' fake namesake "$img"
expect "is left alone" 1 '^0$' grep -c 'xl destroy' "$FAKE_DIR/log"
for command in "xl list" "xl destroy"; do
	FAKE_FAIL=$command fake_how "exit 003" "$img" > "$dir/out"
	if grep -q '^ending$' "$dir/out" && grep -q '^exit 3$' "$dir/out" && [ ! -e "$FAKE_DIR/state" ]; then ok "$command that fails once"; else fail "$command that fails once" "$(cat "$dir/out")"; fi
done
for command in "xl unpause" xenstore-write; do
	expect "$command that fails: 125" 125 "^kiln run: ${command/-/.}.* failed" env FAKE_FAIL="$command" FAKE=deaf sh -c "rm -rf '$FAKE_DIR'; mkdir '$FAKE_DIR'; '$kiln' run '$dir/net.img'"
	[ ! -e "$FAKE_DIR/state" ] && ok "and no domain" || fail "and no domain" "$(cat "$FAKE_DIR/log")"
done
fake binary "$img" > "$dir/bin.out" 2> /dev/null
printf 'booting\n\000\377\r\n\033\033_kiln:0123 exit 009\033\\\033[0m\033_kiln' | cmp -s - "$dir/bin.out" &&
	ok "output is unchanged" || fail "output is unchanged" "$(od -c "$dir/bin.out")"
n=$(fake big "$img" | (sleep 0.5; wc -c))
[ "$n" = 1000008 ] && ok "a slow reader loses nothing" || fail "a slow reader loses nothing" "$n bytes"
[ "$(echo abc | fake echo "$img" 2>&1)" = "$(printf 'booting\nabc')" ] && ok "standard input goes to the guest" ||
	fail "standard input" ""
expect "order: made paused, then started" 0 '^xl create xl list xenstore-read xl unpause xl destroy $' \
	sh -c 'awk "/^xl/ { print \$1, \$2 } /^xenstore-read/ { print \$1 }" "$1/log" | tr "\n" " "; echo' - "$FAKE_DIR"

# A document that is too long for a command line, with what xenstore-write would read as something else.
fake "exit 000" "$img" -- 'a\b' "$(printf 'x%.0s' $(seq 5000))" ü > /dev/null
grep -q "^cmdline='status:[0-9a-f]\{16\} xenstore:3'" "$FAKE_DIR/cfg" &&
	[ "$(cat "$FAKE_DIR/store")" = '{"args":["a\\b","'"$(printf 'x%.0s' $(seq 5000))"'","ü"]}' ] &&
	ok "a long document goes through the store" || fail "a long document goes through the store" "$(head -c 300 "$FAKE_DIR/store")"

# Others who do something to it.
expect "a domain that is saved: 125" 125 'the domain was saved, moved away or destroyed by others$' fake saved --status-file "$dir/status" "$img"
[ "$(cat "$dir/status")" = away ] && ok "away" || fail "away" "$(cat "$dir/status")"
expect "and left alone" 1 '^0$' grep -c 'xl destroy' "$FAKE_DIR/log"
expect "one that goes on after that" 0 '^going on$' fake_how checkpoint "$img"
grep -q '^exit 3$' "$dir/out" && ok "is as it was" || fail "is as it was" "$(cat "$dir/out")"

# An xl that hangs: the guest's output and its end do not wait for it; in the end another is asked.
t0=$SECONDS
FAKE_HANG="xl list" fake_how hung "$img" > "$dir/out"
grep -q '^ending$' "$dir/out" && grep -q '^exit 3$' "$dir/out" && [ $((SECONDS - t0)) -lt 60 ] && ok "xl that hangs holds up nothing" || fail "xl that hangs holds up nothing" "$((SECONDS - t0)) s: $(cat "$dir/out")"
t0=$SECONDS
FAKE_HANG="xl list" fake_how lost "$img" > "$dir/out"
grep -q '^signal 6$' "$dir/out" && [ $((SECONDS - t0)) -lt 60 ] && ok "nor does it hide an end" || fail "nor does it hide an end" "$((SECONDS - t0)) s: $(cat "$dir/out")"

# Signals.  start FAKE OPTIONS...: in the background, until it has said something.
start() {
	fresh
	FAKE=$1; export FAKE; shift
	launch "$kiln" run "$@"
}
keeper() { pgrep -P "$launcher" | head -n 1; }
gone() { [ ! -e "$FAKE_DIR/state" ]; }
ended() { # NAME EXPECTED
	landed
	if [ "$got" != "$2" ]; then fail "$1" "$got instead of $2: $(cat "$dir/bg.out")"
	elif ! gone; then fail "$1" "the domain is still there"
	else ok "$1"; fi
}
for s in INT TERM HUP; do
	start button "$img"; kill -$s "$launcher"
	ended "SIG$s is xl shutdown; the program's status counts" "exit 5"
done
start deaf "$img"; kill -INT "$launcher"; sleep 0.2; kill -INT "$launcher"
ended "a second Ctrl-C destroys the guest" "signal 2"
t0=$SECONDS
FAKE_HANG="xl shutdown" start deaf "$img"; kill -INT "$launcher"; sleep 0.2; kill -INT "$launcher"
ended "even if xl shutdown hangs" "signal 2"
[ $((SECONDS - t0)) -lt 20 ] && ok "at once" || fail "at once" "$((SECONDS - t0)) s"
start deaf --grace 1 "$img"; kill -TERM "$launcher"
ended "the grace period destroys the guest" "signal 15"
start deaf --timeout 1 "$img"
ended "--timeout destroys the guest" "signal 14"
start deaf "$img"; kill -KILL "$launcher"; wait "$waiter"
wait_for gone && ok "SIGKILL of the launcher leaves no domain behind" || fail "SIGKILL of the launcher" "there is a domain"
[ -z "$(find /tmp -maxdepth 1 -name ".kiln.$launcher.*")" ] && ok "nor a file" || fail "nor a file" "$(ls -d /tmp/.kiln.*)"
start deaf "$img"; kill -SEGV "$(keeper)"
ended "nor does the keeper's" "signal 6"
# It cannot start another process, so that nobody but the launcher can tidy up.
start deaf --grace 1 "$img"; prlimit --nofile=3: --pid "$(keeper)"; kill -TERM "$launcher"
ended "nor do its errors" "signal 15"
READY=(test -e "$FAKE_DIR/creating")
start slow "$img"; kill -KILL "$(keeper)"
landed
READY=(grep -qs booting "$dir/bg.out")
sleep 2.5
gone && ok "nor an end while xl makes one" || fail "an end while xl makes one" "there is a domain: $(cat "$FAKE_DIR/log")"

# The configuration.
expect "a configuration: name" 0 "^name='hello'\$" inspect "$img"
expect "type" 0 "^type='pvh'\$" inspect "$img"
expect "memory and CPUs" 0 '^memory=32$' inspect -m 32M --cpus 3 "$img"
grep -q '^maxmem=32$' "$dir/out" && grep -q '^vcpus=3$' "$dir/out" && ok "as on QEMU" || fail "as on QEMU" "$(cat "$dir/out")"
expect "room for a small guest's page tables" 0 '^shadow_memory=1$' inspect -m 4M "$img"
expect "no network" 1 '^0$' sh -c "'$kiln' inspect --xl '$img' | grep -c vif"
expect "the user network when the image has one" 0 "^vif=\['mac=00:16:3e:[0-9a-f:]{8},script=/bin/true'\]\$" inspect "$dir/net.img"
expect "with addresses" 0 '"if":\[\{"mode":"static","address":"198\.18\.[0-9.]+/30","gateway":"198\.18\.[0-9.]+"' inspect "$dir/net.img"
expect "a bridge" 0 "^vif=\['mac=00:16:3e:.*,bridge=br7'\]\$" inspect --net bridge=br7 "$dir/net.img"
expect "strings of xl's" 0 "^cmdline='\{\"args\":\[\"it\\\\'s\",\"a\\\\\\\\\\\\\\\\b\"\],\"env\":\{\"K\":\"v\"\}\}'\$" inspect -e K=v "$img" -- "it's" 'a\b'
expect "an image for machines" 125 'baked for hw; bake it again with --platform xen' inspect "$dir/hw.img"
expect "a dry run says the same" 0 "^type='pvh'\$" "$kiln" run --dry-run "$img"

# The user network: our end of the link, before the guest runs.
fake "exit 000" "$dir/net.img" > /dev/null
expect "the link's address" 0 '^ip address add 198\.18\.[0-9.]+/30 dev vif7.0$' cat "$FAKE_DIR/log"
expect "what the driver waits for" 0 '^xenstore-write /local/domain/0/backend/vif/7/0/hotplug-status connected$' cat "$FAKE_DIR/log"

# Two links are two: in a network of our own where all but one are taken, and nothing shows that a guest has that.
cat > "$dir/links.sh" <<'SH'
at=0
for bits in $(seq 17 30); do
	"$IP" address add "198.18.$((at >> 8)).$((at & 255))/$bits" dev lo || exit 1
	at=$((at + (1 << (32 - bits))))
done
"$KILN" run "$1" > "$2" &
launcher=$!
for _ in $(seq 200); do grep -qs booting "$2" && break; sleep 0.05; done
"$KILN" inspect --xl "$1"
kill -KILL $launcher
for _ in $(seq 200); do "$KILN" inspect --xl "$1" 2> /dev/null && break; sleep 0.05; done
SH
if [ -n "$ip" ] && unshare -rn true 2> /dev/null; then
	fresh
	expect "a link that another guest has" 0 '^kiln inspect: --net user: all of 198.18.0.0/16 is in use$' \
		env FAKE=deaf KILN="$kiln" IP="$ip" unshare -rn sh "$dir/links.sh" "$dir/net.img" "$dir/links.out"
	[ "$(grep -c '"address":"198.18.255.254/30"' "$dir/out")" = 1 ] && ok "is free when that is gone" || fail "is free when that is gone" "$(cat "$dir/out")"
else
	echo "skip a link that another guest has: no networks of our own here"
fi

# Forwarded ports.  The guest is 127.0.0.2 here; it sends back what it gets, once it has all of it.
cat > "$dir/echo.py" <<'PY'
import socket, sys, threading, time
t, u = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
t.bind(("127.0.0.2", 0)); t.listen(50); u.bind(("127.0.0.2", 0))
open(sys.argv[1] + ".new", "w").write("%d %d" % (t.getsockname()[1], u.getsockname()[1]))
import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
def serve(c):
    data = b""
    while (d := c.recv(65536)):
        data += d
        if data.startswith(b"reset"):
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"); c.close(); return
    c.sendall(data); c.close()
def datagrams():
    while True:
        d, a = u.recvfrom(65536); u.sendto(d.upper(), a)
threading.Thread(target=datagrams, daemon=True).start()
while True:
    threading.Thread(target=serve, args=(t.accept()[0],), daemon=True).start()
PY
cat > "$dir/client.py" <<'PY'
import os, socket, sys, threading
port, uport = int(sys.argv[1]), int(sys.argv[2])
def talk(data, slow=False):
    c = socket.create_connection(("127.0.0.1", port)); c.settimeout(20)
    def send():
        c.sendall(data); c.shutdown(socket.SHUT_WR)
    threading.Thread(target=send, daemon=True).start()
    got = b""
    while (d := c.recv(65536)):
        got += d
    return got
big = os.urandom(3000000)
print("ok big" if talk(big) == big else "FAIL big")
ts, bad = [], []
def one(i):
    if talk(b"%d" % i * 1000) != b"%d" % i * 1000: bad.append(i)
for i in range(40):
    t = threading.Thread(target=one, args=(i,)); t.start(); ts.append(t)
for t in ts: t.join()
print("ok many" if not bad else "FAIL many %s" % bad)
c = socket.create_connection(("127.0.0.1", port)); c.sendall(b"reset")
try:
    print("FAIL reset" if c.recv(10) else "FAIL reset is an end")
except ConnectionResetError:
    print("ok reset")
us = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
for i, s in enumerate(us):
    s.settimeout(5); s.sendto(b"x%d" % i, ("127.0.0.1", uport))
    if s.recv(100) != b"X%d" % i: print("FAIL udp %d" % i)
us[99].sendto(b"again", ("127.0.0.1", uport)); us[0].sendto(b"zero", ("127.0.0.1", uport))
print("ok udp" if us[99].recv(100) == b"AGAIN" and us[0].recv(100) == b"ZERO" else "FAIL udp")
PY
python3 "$dir/echo.py" "$dir/ports" & echo=$!
for _ in $(seq 100); do [ -s "$dir/ports" ] && break; sleep 0.05; done
read -r tcp udp < "$dir/ports"
port=$((20000 + RANDOM % 20000))
start deaf --net bridge=lo --ip 127.0.0.2/8 -p "$port:$tcp" -p "$((port + 1)):$udp/udp" "$dir/net.img"
timeout 60 python3 "$dir/client.py" "$port" "$((port + 1))" > "$dir/client.out" 2>&1
for w in big many reset udp; do
	grep -q "^ok $w" "$dir/client.out" && ok "forwarded ports: $w" || fail "forwarded ports: $w" "$(tail -n 3 "$dir/client.out")"
done
keeper=$(keeper)
t0=$(awk '{ print $14 + $15 }' "/proc/$keeper/stat"); sleep 1; t1=$(awk '{ print $14 + $15 }' "/proc/$keeper/stat")
[ $((t1 - t0)) -le 5 ] && ok "the keeper is idle when nothing happens" || fail "the keeper is idle" "$((t1 - t0)) ticks"
expect "a port that is taken" 125 "-p $port:80: TCP port $port on 127.0.0.1 is in use already" "$kiln" run --net bridge=lo --ip 127.0.0.2/8 -p "$port:80" "$dir/net.img"
# No descriptor left, or one, which is half of what it takes: a connection waits, without work, until there is one.
cat > "$dir/patient.py" <<'PY'
import os, socket, subprocess, sys, time
port, keeper = int(sys.argv[1]), sys.argv[2]
def limit(n):
    subprocess.run(["prlimit", "--nofile=%d:" % n, "--pid", keeper], check=True)
def ticks():
    return sum(map(int, open("/proc/%s/stat" % keeper).read().rsplit(")", 1)[1].split()[11:13]))
n = 0
while os.path.lexists("/proc/%s/fd/%d" % (keeper, n)):
    n += 1
def wait(most, how):
    limit(most)
    c = socket.create_connection(("127.0.0.1", port)); c.settimeout(10)
    c.sendall(b"abc"); c.shutdown(socket.SHUT_WR)
    t0 = ticks(); time.sleep(1); t1 = ticks()
    print("ok idle%s" % how if t1 - t0 <= 10 else "FAIL idle%s: %d ticks" % (how, t1 - t0))
    limit(1024)
    print("ok served%s" % how if c.recv(100) == b"abc" else "FAIL served%s" % how)
wait(n, " none")
wait(n + 1, " one")
PY
timeout 60 python3 "$dir/patient.py" "$port" "$(keeper)" > "$dir/client.out" 2>&1
for w in "idle none" "served none" "idle one" "served one"; do
	grep -q "^ok $w" "$dir/client.out" && ok "out of descriptors: $w" || fail "out of descriptors: $w" "$(tail -n 3 "$dir/client.out")"
done
kill -TERM "$launcher"; kill -TERM "$launcher"
ended "and goes with the rest" "signal 15"
kill $echo; wait $echo 2> /dev/null

# A guest that takes its time to accept: by then the caller has said that it will say nothing.
cat > "$dir/late.py" <<'PY'
import os, socket, sys, threading, time
s = socket.socket(); s.bind(("127.0.0.2", 0)); s.listen(0)
full = [socket.socket(), socket.socket()]
for f in full:
    f.setblocking(False); f.connect_ex(s.getsockname())
open(sys.argv[1] + ".new", "w").write("%d" % s.getsockname()[1])
os.rename(sys.argv[1] + ".new", sys.argv[1])
while not os.path.exists(sys.argv[2]):
    time.sleep(0.05)
c = socket.create_connection(("127.0.0.1", int(sys.argv[3])))
c.settimeout(20); c.shutdown(socket.SHUT_WR)
time.sleep(0.5)
for f in full:
    f.close()
def serve():
    while True:
        guest, data = s.accept()[0], b"heard "
        while (d := guest.recv(100)):
            data += d
        guest.sendall(data); guest.close()
threading.Thread(target=serve, daemon=True).start()
heard = c.recv(100)
print("ok" if heard == b"heard " else "FAIL %s" % heard)
PY
rm -f "$dir/ports"
timeout 60 python3 "$dir/late.py" "$dir/ports" "$dir/go" "$port" > "$dir/late.out" 2>&1 & late=$!
wait_for test -s "$dir/ports"
start deaf --net bridge=lo --ip 127.0.0.2/8 -p "$port:$(cat "$dir/ports")" "$dir/net.img"
: > "$dir/go"
wait $late
grep -q '^ok' "$dir/late.out" && ok "a guest that accepts late answers" || fail "a guest that accepts late" "$(tail -n 3 "$dir/late.out")"
kill -TERM "$launcher"; kill -TERM "$launcher"
ended "with all that" "signal 15"

# Errors.
expect "no Xen" 125 'this machine does not run on Xen' env KILN_XEN_CAPABILITIES="$dir/nosuch" "$kiln" run "$img"
: > "$dir/none"
expect "not domain 0" 125 'this is a guest of Xen, but only the control domain' env KILN_XEN_CAPABILITIES="$dir/none" "$kiln" run "$img"
expect "no xl, or no tools of the store" 125 ': apt-get install xen(-utils|store-utils)' env PATH="$dir/nothing" "$kiln" run "$img"
expect "no store" 125 'xenstored does not run' env KILN_XENSTORED="$dir/nosuch" "$kiln" run "$img"
expect "no such bridge" 125 'net bridge=nosuch0: no such bridge; create it: ip link add' "$kiln" run --net bridge=nosuch0 "$dir/net.img"
expect "TAP" 125 "Xen's guests have no TAP devices" "$kiln" run --net tap=lo "$dir/net.img"
expect "an address on the user network" 125 '^kiln run: --ip: on Xen the user network' "$kiln" run --ip 10.0.0.1/8 "$dir/net.img"
expect "ports without an address" 125 '-p 80:80: on a bridge the guest needs an address' "$kiln" run --net bridge=lo -p 80:80 "$dir/net.img"
expect "gdb" 125 'gdb: Xen runs no QEMU' "$kiln" run --gdb "$img"
expect "a bridge for QEMU" 125 'only for platform xen' "$kiln" run --net bridge=lo "$dir/hw.img"
expect "too little memory" 125 'needs 2M at least' "$kiln" run -m 1 "$img"
finish
