#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the stub kernel on the hosted platform and looks at it from outside."""
import json, os, pty, signal, socket, subprocess, sys, time

IMAGE = sys.argv[1]
bad = 0


def report(name, ok, why=""):
    global bad
    print("ok hosted_%s" % name if ok else "FAIL hosted_%s %s" % (name, why))
    bad += not ok


def start(test=None, hosted=None, fds=(), **kw):
    conf = {"other": {"a": [1, "}\"{", None]}, "hosted": hosted or {}}
    if test:
        conf["test"] = test
    conf = json.dumps(conf, separators=(",", ":"))
    kw.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([IMAGE, conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            pass_fds=fds, **kw)


def run(test=None, hosted=None, **kw):
    """(exit status, output, status line)"""
    r, w = os.pipe()
    os.set_blocking(r, False)
    h = dict(hosted or {}, statusfd=w)
    p = start(test, h, fds=(w,), **kw)
    os.close(w)
    try:
        out = p.communicate(timeout=60)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        p.kill()
        out = p.communicate()[0].decode(errors="replace") + "(took too long)"
    line = os.read(r, 100) or b""
    os.close(r)
    return p.returncode, out, line.decode()


def expect(name, got, status, text=None, line=None):
    ok = got[0] == status and (text is None or text in got[1]) and (line is None or got[2] == line)
    report(name, ok, repr(got))


expect("exit_status", run(), 7, "hello from hosted\n", "kiln: exit 7\n")
bases = {run()[1].split("base ")[1].split()[0] for _ in range(6)}
report("image_base_differs", len(bases) > 3, str(bases))
expect("memory_size", run(hosted={"memory": 8 << 20}), 7, "memory 800000\n")
for t in "traps", "pmap", "pmap-next", "preempt", "time":
    expect(t, run(t), 0, "fine\n", "kiln: exit 0\n")
expect("two_cpus", run("smp", {"cpus": 2}), 0, "fine\n")
expect("kernel_stack_overflow", run("overflow"), -signal.SIGABRT, "kernel stack overflow", "kiln: panic\n")
expect("panic", run("panic"), -signal.SIGABRT, line="kiln: panic\n")
expect("null_pointer", run("null"), -signal.SIGSEGV, "address 8\n", "kiln: signal 11\n")
expect("dies_of_sigterm", run("signal"), -signal.SIGTERM, line="kiln: signal 15\n")
for name, arguments, text in ("option", ["--verbose"], "not the launch document"),\
        ("word", ["x", "{}"], "not the launch document"),\
        ("second", ['{"hosted":{}}', "--verbose"], "more arguments than the launch document"):
    p = subprocess.run([IMAGE] + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60)
    report("refuses_argument_" + name, p.returncode != 7 and text in p.stdout.decode(), repr(p))
for t in "getpid", "open", "mmap", "mprotect", "write9", "kill1", "x32":
    expect("confined_" + t, run(t), -signal.SIGSYS)
for bad_conf in {"memory": 5}, {"cpus": 33}, {"mac": "nonsense"}, {"unknown": 1}, {"netfd": 700}:
    expect("refuses_" + next(iter(bad_conf)), run(hosted=bad_conf), 125, "hosted", "kiln: panic\n")

# The power button, while idle.
p = start("power")
p.stdout.readline()
p.send_signal(signal.SIGTERM)
report("power_button", p.wait(10) == 3)
# A stop and continue is no end.
p = start("power")
p.stdout.readline()
p.send_signal(signal.SIGSTOP)
time.sleep(0.05)
p.send_signal(signal.SIGCONT)
time.sleep(0.05)
running = p.poll() is None
p.send_signal(signal.SIGINT)
report("stop_and_continue", running and p.wait(10) == 3)

# Frames: echoed, too long ones dropped, silence when there is no interface.
for kind, name in (socket.SOCK_SEQPACKET, "seqpacket"), (socket.SOCK_DGRAM, "dgram"):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    a.settimeout(10)
    p = start("net", {"netfd": b.fileno()}, fds=(b.fileno(),))
    b.close()
    ok = True
    try:
        t0 = time.time()
        for i in range(2000):
            frame = bytes([i % 50]) * (60 + i % 1454)
            a.send(frame)
            ok = ok and a.recv(2000) == frame
        trip = (time.time() - t0) / 2000
        for i in range(40):
            a.send(b"a" * 100)
        for i in range(40):
            ok = ok and len(a.recv(2000)) == 100
        a.send(b"b" * 1600)
        a.send(b"q" * 60)
        status = p.wait(10)
        report("net_" + name, ok and status == (2040 + 100) % 256, str(status))
        print("# a frame there and back: %.1f us" % (trip * 1e6))
    except (socket.timeout, subprocess.TimeoutExpired) as e:
        p.kill()
        report("net_" + name, False, repr(e))
expect("net_absent", run("net"), 6)

# Console input from a pipe and from a terminal.
p = start("console", stdin=subprocess.PIPE)
p.stdin.write(b"one")
p.stdin.flush()
time.sleep(0.1)
report("console_pipe", p.communicate(b" two q", timeout=10)[0] == b"one two q")
m, s = pty.openpty()
p = start("console", stdin=s)
os.write(m, b"tty q\n")
report("console_tty", p.communicate(timeout=10)[0].startswith(b"tty q"))
sys.exit(bad != 0)
