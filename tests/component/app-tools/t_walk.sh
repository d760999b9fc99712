#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bake's walk and the linker's garbage collection must agree on every section:
# random programs and components, whose functions call each other, take each
# other's addresses in data, and refer to each other weakly.
. "$(dirname "$0")/world.sh"
make_world
cat > "$dir/gen.py" <<'PY'
import random, sys
seed, what = int(sys.argv[1]), int(sys.argv[2])  # what: -1 program, else component
COMPONENTS, FUNCTIONS = 6, 25
r = random.Random(seed * 100)
# The same graph whoever asks: (component, function) -> references
refs = {}
for c in range(-1, COMPONENTS):
    for f in range(FUNCTIONS):
        n = r.choice([0, 1, 1, 2, 2])
        refs[c, f] = [(r.choice(["call", "data", "weak"]), c if r.random() < .6 or c == -1 and r.random() < .3 else
                       r.randrange(COMPONENTS), r.randrange(FUNCTIONS)) for _ in range(n)]
static = {k: r.random() < .2 for k in refs}
retained = {c: r.random() < .4 for c in range(COMPONENTS)}
name = lambda c, f: "f_%s_%d" % ("p" if c < 0 else c, f)
# A program names what it calls in the kernel; the toy's name space would hide it.
visible = lambda c, f: name(c, f) if c < 0 else "sys_" + name(c, f)
out = []
mine = [k for k in refs if k[0] == what]
seen = set()
for k in mine:
    out.append("%sint %s(int);" % ("static " if static[k] else "", visible(*k)))
    seen.add(visible(*k))
def usable(k, t):  # a static function of somebody else cannot be referred to
    return t[0] == k[0] or not static[t]
for k in mine:
    for kind, c, f in refs[k]:
        t = (c, f)
        if usable(k, t) and visible(*t) not in seen:
            out.append("int %s(int)%s;" % (visible(*t), " __attribute__((weak))" if kind == "weak" else ""))
            seen.add(visible(*t))
for k in mine:
    body = []
    for i, (kind, c, f) in enumerate(refs[k]):
        t = visible(c, f)
        if not usable(k, (c, f)):
            continue
        if kind == "data":
            out.append("int (*volatile const d_%s_%d)(int) = %s;" % (visible(*k), i, t))
            body.append("x += d_%s_%d ? d_%s_%d(x) : 0;" % (visible(*k), i, visible(*k), i))
        else:
            body.append("if (%s) x += %s(x);" % (t, t))
    out.append("__attribute__((noinline, noipa%s)) %sint %s(int x) { %s return x; }" %
               (", unused" if static[k] else "", "static " if static[k] else "", visible(*k), " ".join(body)))
if what >= 0 and retained[what]:
    out.append('static const void *const set_x __attribute__((used, retain, section("link_set_components"))) = %s;' % visible(what, 0))
if what < 0:
    roots = [f for f in range(FUNCTIONS) if r.random() < .25] or [0]
    out.append("long sys_exit(int); void _start(void); void _start(void) { int x = 0; %s sys_exit(x); }" %
               " ".join("x += %s(x);" % visible(-1, f) for f in roots))
print("\n".join(out))
PY
cp "$KILN_LIB/components/index" "$dir/index"
for seed in 1 2 3 4 5 6 7 8; do
	cp "$dir/index" "$KILN_LIB/components/index"
	for c in 0 1 2 3 4 5; do
		python3 "$dir/gen.py" $seed $c > "$dir/c.c"
		component "rnd/c$c" "" "" < "$dir/c.c"
	done
	python3 "$dir/gen.py" $seed -1 | program "p$seed"
	"$kiln" bake "$dir/p$seed" -o "$dir/p.img" > "$dir/out" 2>&1 || { fail "seed $seed" "$(head -c 500 "$dir/out")"; continue; }
	nm "$dir/p.img.debug" | sed -n 's/.* [tT] \(\(sys_\)\?f_.*\)/\1/p' | sort > "$dir/linked"
	python3 -c '
import json, sys
for n in json.load(open(sys.argv[1]))["reached"]:
    if n[0].startswith(("f_", "sys_f_")): print(n[0])' "$dir/p.img.json" | sort > "$dir/walked"
	if cmp -s "$dir/linked" "$dir/walked"; then ok "seed $seed: $(wc -l < "$dir/linked") functions"
	else fail "seed $seed" "linked is < and walked is >: $(diff "$dir/linked" "$dir/walked" | head -5 | tr '\n' ' ')"; fi
done
finish
