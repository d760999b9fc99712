#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What bake takes, what it leaves, and what it says when it cannot.
. "$(dirname "$0")/world.sh"
make_world

program hello <<'C'
long sys_write(int, const void *, unsigned long), sys_exit(int);
static void unreachable(void);
long sys_open(const char *);
__attribute__((used)) static void unreachable(void) { sys_open("x"); }
int main(void);
int main(void) { sys_write(1, "hello\n", 6); return 0; }
void _start(void);
void _start(void) { sys_exit(main()); }
C
expect "bake makes an image" 0 'hello.img: hosted, [0-9]+ bytes, 4 components, 2 system calls$' \
	"$kiln" bake -p hosted "$dir/hello" -o "$dir/hello.img"
expect "the image runs" 0 '^hello$' "$dir/hello.img"
names() { python3 -c 'import json,sys; print(" ".join(o["name"] for o in json.load(open(sys.argv[1]))["objects"]))' "$1"; }
expect "exactly the components that are reached" 0 '^hello hosted kern/base kern/syscall kern/proc kern/desc$' names "$dir/hello.img.json"
expect "sections that nothing reaches are left out" 1 '^0$' sh -c "nm '$dir/hello.img.debug' | grep -c unused_function"
expect "the debug file has the same build-id" 0 same sh -c "
	id() { readelf -n \"\$1\" | sed -n 's/.*Build ID: //p'; }
	[ -n \"\$(id '$dir/hello.img')\" ] && [ \"\$(id '$dir/hello.img')\" = \"\$(id '$dir/hello.img.debug')\" ] && echo same"
cp "$dir/hello.img" "$dir/first.img"; cp "$dir/hello.img.json" "$dir/first.json"
"$kiln" bake -p hosted "$dir/hello" -o "$dir/hello.img" > /dev/null
expect "the same input gives the same image" 0 '' cmp "$dir/hello.img" "$dir/first.img"
expect "and the same report" 0 '' cmp "$dir/hello.img.json" "$dir/first.json"
expect "nothing is left behind" 0 '^0$' sh -c "ls -A '$dir' | grep -c '^[.]kiln' || true"

mkfifo "$dir/fifo"; cp "$dir/hello" "$dir/copy"; ln -s first.img "$dir/link.img"; ln "$dir/copy" "$dir/hard.img"
expect "an output that is no regular file is refused" 1 'fifo: exists and is not a regular file' \
	"$kiln" bake -p hosted "$dir/hello" -o "$dir/fifo"
expect "so is such a report" 1 'fifo: exists and is not a regular file' \
	"$kiln" bake -p hosted "$dir/hello" -o "$dir/x.img" --report "$dir/fifo"
expect "and it stays what it was" 0 '' test -p "$dir/fifo"
expect "the program is no output" 1 'is the unbaked program itself' \
	"$kiln" bake -p hosted "$dir/copy" -o "$dir/copy"
expect "by no other name" 1 'is the unbaked program itself' \
	"$kiln" bake -p hosted "$dir/copy" -o "$dir/hard.img"
expect "the program is whole" 0 '' cmp "$dir/hello" "$dir/copy"
: > "$dir/first.img"
expect "an output that is a link is written through" 0 'link.img: hosted' \
	"$kiln" bake -p hosted "$dir/hello" -o "$dir/link.img"
expect "to its target" 0 '' sh -c "test -L '$dir/link.img' && cmp '$dir/first.img' '$dir/hello.img'"

program net <<'C'
long sys_socket(void), sys_exit(int), sys_quotactl(void);
void _start(void);
void _start(void) { sys_socket(); sys_quotactl(); sys_exit(0); }
C
expect "FOR pulls a driver in" 0 '5 components, 3 system calls \(1 not implemented\)' "$kiln" bake "$dir/net" -o "$dir/net.img"
expect "the platform's own driver" 0 'kern/proc net/core dev/virtio_net$' names "$dir/net.img.json"
"$kiln" bake -p hosted "$dir/net" -o "$dir/neth.img" > /dev/null
expect "another platform, another driver" 0 'net/core dev/hostif$' names "$dir/neth.img.json"
expect "unimplemented calls are named" 0 '"unimplemented": \["quotactl"\]' cat "$dir/net.img.json"
expect "why: a component" 0 'net/core: do_sys_socket' "$kiln" inspect --why net/core "$dir/net.img"
expect "why: a driver, by FOR" 0 'it is there for ether_ifattach' "$kiln" inspect --why dev/virtio_net "$dir/net.img"
expect "why: a symbol" 0 '_start' "$kiln" inspect --why do_sys_socket "$dir/net.img"
expect "why: something that is not there" 1 'not in this image' "$kiln" inspect --why vfs/vfs "$dir/net.img"
expect "inspect: the table" 0 '^ *net/core ' "$kiln" inspect "$dir/net.img"
expect "inspect: system calls" 0 '^quotactl.*not implemented' "$kiln" inspect --syscalls "$dir/net.img"
expect "inspect: JSON" 0 '"platform": "hw"' "$kiln" inspect --json "$dir/net.img"
expect "inspect: sizes" 0 '^total  ' "$kiln" inspect "$dir/net.img"
expect "inspect: bytes" 0 "^$(wc -c < "$dir/net.img")\$" "$kiln" inspect --size "$dir/net.img"

mkdir -p "$dir/root/etc"; echo 127.0.0.1 localhost > "$dir/root/etc/hosts"
expect "@root takes the file system" 0 'and a root of 4096, 5 components' "$kiln" bake -r "$dir/root" "$dir/hello" -o "$dir/root.img"
expect "the root is in the image" 0 '' grep -aq '127.0.0.1 localhost' "$dir/root.img"
expect "--with takes a component" 0 '5 components' "$kiln" bake --with kern/optional "$dir/hello" -o "$dir/with.img"
expect "a weak reference counts once its object is there" 0 'optional_thing' nm "$dir/with.img.debug"
expect "--syscalls keeps a call" 0 '5 components, 3 system calls' "$kiln" bake --syscalls open "$dir/hello" -o "$dir/sys.img"
expect "defaults are in the image" 0 '' grep -aqF '{"name":"hello","args":["a b","c\"d"],"env":{"K":"v=w"},"hostname":"box"}' <(
	"$kiln" bake -e K=x -e K=v=w --arg 'a b' --hostname box "$dir/hello" -o "$dir/conf.img" -- 'c"d' > /dev/null; cat "$dir/conf.img")

# A weak reference, and a strong one in a section of another object that is dropped.
component kern/weakly "" "" <<'C'
long do_sys_open(const char *) __attribute__((weak));
int weakly(void); int weakly(void) { return do_sys_open ? do_sys_open("x") : 7; }
long sys_weakly(void); long sys_weakly(void) { return weakly(); }
C
program weak <<'C'
long sys_weakly(void), sys_exit(int);
void _start(void);
void _start(void) { sys_exit(sys_weakly()); }
C
expect "a weak reference stays open" 0 '4 components' "$kiln" bake -p hosted "$dir/weak" -o "$dir/weak.img"
expect "and is 0" 7 '' "$dir/weak.img"
expect "sizes of a weakened object" 0 '^kern/syscall +[1-9]' "$kiln" inspect "$dir/weak.img"

# A component that exists only if it is asked for, whose function goes over a weak one.
component kern/normal "" "" <<'C'
__attribute__((weak)) int hooked(void) { return 3; }
int hooked_plain(void) __attribute__((alias("hooked")));
long sys_hooked(void); long sys_hooked(void) { return hooked(); }
C
component kern/before "@with @debug" "" <<'C'
int hooked_plain(void), hooked(void);
int hooked(void) { return 10 + hooked_plain(); }
C
program hook <<'C'
long sys_hooked(void), sys_exit(int);
void _start(void);
void _start(void) { sys_exit(sys_hooked()); }
C
for asked in "3 " "13 --debug" "13 --with kern/before"; do
	expect "@with: bake ${asked#* }" 0 '' "$kiln" bake -p hosted ${asked#* } "$dir/hook" -o "$dir/hook.img"
	expect "@with: ${asked#* } gives" "${asked%% *}" '' "$dir/hook.img"
done

# Errors.
program bad <<'C'
long sys_exit(int); int missing_function(void);
static int helper(void) { return missing_function(); }
void _start(void);
void _start(void) { sys_exit(helper()); }
C
expect "undefined symbol: named" 1 'missing_function: nothing defines it' "$kiln" bake "$dir/bad" -o "$dir/bad.img"
expect "undefined symbol: the chain" 1 'reached by: _start \(bad\)' "$kiln" bake "$dir/bad" -o "$dir/bad.img"
expect "no image after an error" 2 'No such file' ls "$dir/bad.img"
program rnd <<'C'
long sys_exit(int), sys_getrandom(void);
void _start(void);
void _start(void) { sys_exit(sys_getrandom()); }
C
expect "a component of another platform" 1 'component kern/random would, but does not exist here' "$kiln" bake -p hosted "$dir/rnd" -o "$dir/r.img"
expect "host executable" 1 'not an unbaked program but an executable of the host; compile and link it with cross-cc' "$kiln" bake /bin/ls -o "$dir/x.img"
expect "baked image" 1 'but an image that is baked already$' "$kiln" bake "$dir/net.img" -o "$dir/x.img"
expect "object file" 1 'but an object file that is not linked' "$kiln" bake "$KILN_LIB/platform/hw/platform.o" -o "$dir/x.img"
expect "script" 1 'but a script' "$kiln" bake "$0" -o "$dir/x.img"
: > "$dir/empty"
expect "empty file" 1 'but an empty file' "$kiln" bake "$dir/empty" -o "$dir/x.img"
expect "no such file" 1 'nosuch: No such file' "$kiln" bake "$dir/nosuch" -o "$dir/x.img"
expect "missing root" 1 '--root .*nosuch: No such file' "$kiln" bake -r "$dir/nosuch" "$dir/hello" -o "$dir/x.img"
expect "root is a file" 1 'not a directory' "$kiln" bake -r "$dir/hello" "$dir/hello" -o "$dir/x.img"
mkdir -p "$dir/bin"; ln -s "$(command -v ld)" "$dir/bin/ld"
expect "unknown component" 1 'no such component' "$kiln" bake --with kern/nosuch "$dir/hello" -o "$dir/x.img"
expect "unknown system call" 1 'there is no such system call' "$kiln" bake --syscalls nosuch "$dir/hello" -o "$dir/x.img"
expect "unknown platform" 1 '--platform vax: .*accepted: hosted, hw, xen$' "$kiln" bake -p vax "$dir/hello" -o "$dir/x.img"
expect "no path" 1 '--platform ../platform/hw: .*accepted: hosted, hw, xen$' "$kiln" bake -p ../platform/hw "$dir/hello" -o "$dir/x.img"
mkdir -p "$KILN_LIB/platform/moon"
expect "platform not built" 1 'accepted: hosted, hw, xen$' "$kiln" bake -p moon "$dir/hello" -o "$dir/x.img"
expect "help names the platforms that are built" 0 'there is: hosted, hw, xen$' "$kiln" bake --help
expect "two programs of one name" 1 'two programs are called hello' "$kiln" bake "$dir/hello" "$dir/hello" -o "$dir/x.img"
expect "--start of one program" 1 'one program only' "$kiln" bake --start hello "$dir/hello" -o "$dir/x.img"
expect "no output" 2 'where does the image go' "$kiln" bake "$dir/hello"
for c in "bake --nosuch" "bake" "inspect --nosuch x" inspect "inspect a b" "symbolize --nosuch" "symbolize a b"; do
	# shellcheck disable=SC2086
	expect "wrong use: $c: where to read on" 2 "^see .kiln ${c%% *} --help'\$" "$kiln" $c
	[ "$(wc -l < "$dir/out")" = 2 ] && ok "and no more" || fail "wrong use: $c" "$(cat "$dir/out")"
done
expect "help of a command" 0 '^usage: kiln inspect' "$kiln" inspect --help
expect "a directory that is not there" 1 '^kiln bake: cannot write into directory .*/nodir/: No such file or directory$' "$kiln" bake "$dir/hello" -o "$dir/nodir/x.img"
(cd "$dir" && mkdir .kiln.99999999.aBcDeF ".kiln.$$.aBcDeF" .kiln.x.aBcDeF && touch .kiln.99999999.aBcDeF/gdb)
expect "bake beside scratch directories" 0 '' sh -c "cd '$dir' && '$kiln' bake hello -o x.img"
expect "that of a dead process is gone, the others are there" 0 "^[.]kiln[.]$$[.]aBcDeF [.]kiln[.]x[.]aBcDeF \$" \
	sh -c "cd '$dir' && printf '%s ' .kiln.*"
rm -rf "$dir/x.img"* "$dir"/.kiln.*
expect "bad environment" 1 'accepted: NAME=VALUE' "$kiln" bake -e FOO "$dir/hello" -o "$dir/x.img"
expect "unknown command" 2 "no command .bkae'" "$kiln" bkae
head -c 3000 "$dir/hello" > "$dir/cut"
expect "truncated program" 1 '' "$kiln" bake "$dir/cut" -o "$dir/x.img"
expect "KILN_LIB that is not there" 1 'KILN_LIB may say' env KILN_LIB=/nosuch "$kiln" bake "$dir/hello" -o "$dir/x.img"
finish
