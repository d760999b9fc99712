# SPDX-License-Identifier: BSD-2-Clause
# Sourced by the tests here: a toy world of a platform, components and programs,
# made with the host's compiler, so that bake and run are tested without a build
# of the real ones.  Sets $kiln, $dir (removed at exit) and functions.
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
kiln=${KILN:-$top/build/bin/kiln}
dir=$(mktemp -d "${TMPDIR:-/tmp}/kiln-test.XXXXXX")
failures=0
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
[ -x "$kiln" ] || { echo "FAIL app-tools: $kiln is not built"; exit 1; }

ok() { echo "ok $1"; }
fail() { echo "FAIL $1: $2"; failures=$((failures + 1)); }
finish() { exit $((failures > 0)); }

# expect NAME STATUS PATTERN COMMAND...: exit status, and a line of the output
# (both streams) that matches the extended regular expression.
expect() {
	name=$1 want=$2 pattern=$3
	shift 3
	"$@" > "$dir/out" 2>&1 < /dev/null
	got=$?
	if [ "$got" -ne "$want" ]; then
		fail "$name" "status $got instead of $want: $(head -c 600 "$dir/out")"
	elif [ -n "$pattern" ] && ! grep -qE -- "$pattern" "$dir/out"; then
		fail "$name" "no line matches '$pattern': $(head -c 600 "$dir/out")"
	else
		ok "$name"
	fi
}

# how COMMAND...: its output, then "exit N" or "signal N" on a line of its own, which $? cannot tell apart.
cat > "$dir/how.py" <<'PY'
import subprocess, sys
p = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
sys.stdout.buffer.write(p.stdout)
if p.stdout and not p.stdout.endswith(b"\n"):
    print()
print("signal %d" % -p.returncode if p.returncode < 0 else "exit %d" % p.returncode)
PY
how() { python3 "$dir/how.py" "$@"; }

# launch COMMAND...: in the background, until it has said "booting"; its pid is in $launcher, its output in bg.out.
launch() {
	rm -f "$dir/bg.out" "$dir/how.txt" "$dir/how.txt.pid" # of the one before
	python3 - "$dir/how.txt" "$@" > "$dir/bg.out" 2>&1 <<'PY' &
import os, subprocess, sys
p = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
open(sys.argv[1] + ".new", "w").write(str(p.pid))
os.rename(sys.argv[1] + ".new", sys.argv[1] + ".pid")
r = p.wait()
open(sys.argv[1], "w").write("signal %d" % -r if r < 0 else "exit %d" % r)
PY
	waiter=$!
	wait_for test -e "$dir/how.txt.pid"
	launcher=$(cat "$dir/how.txt.pid")
	wait_for "${READY[@]}"
}
READY=(grep -qs booting "$dir/bg.out") # what is true once it is under way

# landed: waits for its end, and sets $got to what how would say.
landed() {
	wait "$waiter"
	got=$(cat "$dir/how.txt")
}

# wait_for COMMAND...: until it succeeds, ten seconds at the most.
wait_for() {
	for _ in $(seq 200); do
		"$@" 2> /dev/null && return
		sleep 0.05
	done
	return 1
}

cc_flags="-O1 -ffreestanding -fPIE -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fvisibility=hidden -fno-stack-protector -g"

# component NAME FOR PLATFORMS < source: compile, put into the name space, add to the index.
component() {
	object=$(echo "$1" | tr / _).o
	gcc $cc_flags -x c -c -o "$KILN_LIB/components/$object" - || exit 1
	nm "$KILN_LIB/components/$object" | awk '$2 ~ /[A-Z]/ || $1 ~ /^[Uw]$/ { print $NF }' | sort -u |
		grep -vE '^(sys_|rumpuser_|rumpkern_|_start$|__start_|__stop_|_GLOBAL|__kiln_)' |
		awk '{ print $1, "rumpns_" $1 }' > "$dir/syms"
	objcopy --redefine-syms="$dir/syms" "$KILN_LIB/components/$object"
	echo "$1|$object||$2|$3|toy $1" >> "$KILN_LIB/components/index"
}

# program NAME < source: an unbaked program.
program() {
	{ cat; echo '__attribute__((section(".kiln.unbaked"), used)) static const char mark[] = "1";'; } > "$dir/$1.c"
	gcc $cc_flags -c -o "$dir/$1" "$dir/$1.c" || exit 1
}

make_world() {
	export KILN_LIB=$dir/lib
	mkdir -p "$KILN_LIB/components" "$KILN_LIB/platform/toy" "$KILN_LIB/platform/hw"
	: > "$KILN_LIB/components/index"
	for p in hw hosted xen; do
		mkdir -p "$KILN_LIB/platform/$p"
		echo '-pie --no-dynamic-linker -z noexecstack --no-warn-rwx-segments' > "$KILN_LIB/platform/$p/link.flags"
		cat > "$KILN_LIB/platform/$p/link.ld" <<-'LD'
		ENTRY(toy_entry)
		PHDRS { all PT_LOAD FILEHDR PHDRS FLAGS(7); note PT_NOTE; dyn PT_DYNAMIC; }
		SECTIONS {
			. = SIZEOF_HEADERS;
			.notes : { *(.note.gnu.build-id) KEEP(*(.note.kiln)) } :all :note
			.text : { *(.text .text.*) } :all
			.rodata : { *(.rodata .rodata.*) KEEP(*(.kiln.config)) KEEP(*(link_set_*)) }
			link_set_components : { __start_link_set_components = .; KEEP(*(link_set_components)) __stop_link_set_components = .; }
			.dynamic : { *(.dynamic) } :all :dyn
			.kiln.rootfs : ALIGN(4096) { __kiln_rootfs_start = .; KEEP(*(.kiln.rootfs)) __kiln_rootfs_end = .; } :all
			.data : { *(.data .data.*) }
			.bss : { *(.bss .bss.*) }
			/DISCARD/ : { *(.kiln.unbaked) *(.comment) *(.note.GNU-stack) }
		}
		LD
		gcc $cc_flags -x c -c -o "$KILN_LIB/platform/$p/platform.o" - <<-'C' || exit 1
		void rumpkern_main(void);
		void rumpuser_exit(int status);
		void toy_entry(void) { rumpkern_main(); }
		__asm__(".section .text.rumpuser_exit,\"ax\"\n.globl rumpuser_exit\nrumpuser_exit: mov $60,%eax\nsyscall\n");
		__asm__(".section .text.rumpuser_write,\"ax\"\n.globl rumpuser_write\nrumpuser_write: mov $1,%eax\nsyscall\nret\n");
		C
	done
	component kern/base "" "" <<-'C'
	void _start(void);
	void rumpuser_exit(int);
	extern int optional_thing(void) __attribute__((weak));
	extern const void *const __start_link_set_components[] __attribute__((weak));
	void rumpkern_main(void);
	void rumpkern_main(void) { if (optional_thing) optional_thing(); if (__start_link_set_components) _start(); rumpuser_exit(0); }
	C
	component kern/syscall "" "" <<-'C'
	#define STUB(x) long do_sys_##x(); long sys_##x(void) { return do_sys_##x(); }
	STUB(exit) STUB(write) STUB(open) STUB(socket) STUB(getrandom)
	long enosys(const char *s) { static int n; return s[n++]; }
	long sys_quotactl(void) { return enosys("quotactl"); }
	C
	component kern/proc "" "" <<-'C'
	void rumpuser_exit(int);
	long do_sys_exit(int s) { rumpuser_exit(s); return 0; }
	C
	component kern/desc "" "" <<-'C'
	long rumpuser_write(int, const void *, unsigned long);
	long do_sys_write(int fd, const void *p, unsigned long n) { return rumpuser_write(fd, p, n); }
	long unused_function(void);
	__attribute__((noinline)) long unused_function(void) { static int z[1000]; return z[do_sys_write(0, 0, 0)]; }
	C
	component vfs/vfs "" "" <<-'C'
	long do_sys_open(const char *p) { return *p; }
	C
	component fs/erofs "@root" "" <<-'C'
	extern char __kiln_rootfs_start[], __kiln_rootfs_end[];
	#define SET(f) static const void *const set_##f __attribute__((used, retain, section("link_set_components"))) = f
	static long erofs_init(void) { return __kiln_rootfs_end - __kiln_rootfs_start; }
	SET(erofs_init);
	C
	component net/core "" "" <<-'C'

	long do_sys_socket(void) { return 3; }
	int ether_ifattach(void); __attribute__((noinline)) int ether_ifattach(void) { __asm__(""); return 7; }
	#define SET(f) static const void *const set_##f __attribute__((used, retain, section("link_set_components"))) = f
	static void net_init(void) { ether_ifattach(); }
	SET(net_init);
	C
	component dev/virtio_net "ether_ifattach" "hw" <<-'C'
	#define SET(f) static const void *const set_##f __attribute__((used, retain, section("link_set_components"))) = f
	int virtio_net_dummy;
	static void virtio_net_init(void) { virtio_net_dummy++; }
	SET(virtio_net_init);
	C
	component dev/hostif "ether_ifattach" "hosted" <<-'C'
	int hostif_dummy = 3;
	C
	component dev/virtio_rng "sys_getrandom" "hw" <<-'C'
	int virtio_rng_dummy = 3;
	C
	component kern/random "" "hw" <<-'C'
	long do_sys_getrandom(void) { return 4; }
	C
	component kern/optional "" "" <<-'C'
	int optional_thing(void) { return 1; }
	C
}
