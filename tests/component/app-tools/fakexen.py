#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for what kiln run calls on a Xen host; its name says what it is to be.

FAKE_DIR is where it keeps everything: log (commands), cfg, store, tty, state.  FAKE is what the guest
does: "exit 3", "panic" ... say so as its last word; others are below.  FAKE_FAIL is a command that
fails the first time, such as "xl list"; FAKE_HANG one that takes 100 seconds, the first time after the
guest has begun.
"""
import os, pty, re, signal, sys, time, tty

dir, fake = os.environ["FAKE_DIR"], os.environ.get("FAKE", "exit 0")
name, args = os.path.basename(sys.argv[0]), sys.argv[1:]


def path(f):
    return os.path.join(dir, f)


def read(f):
    try:
        return open(path(f)).read()
    except OSError:
        return ""


def write(f, text):
    open(path(f) + ".new", "w").write(text)
    os.rename(path(f) + ".new", path(f))


def wait_for(f):
    while not os.path.exists(path(f)):
        time.sleep(0.02)


def guest():
    """xenconsoled and the guest: a pseudo-terminal."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    write("tty", os.ttyname(slave))
    wait_for("running")
    token = re.search(r"status:([0-9a-f]+) ", read("cfg")).group(1)

    def word(w):
        os.write(master, b"\033_kiln:%s %s\033\\" % (token.encode(), w.encode()))

    os.write(master, b"booting\n")
    if fake == "button":
        wait_for("shutdown")
        word("exit 005")
    elif fake == "deaf":
        time.sleep(100)
    elif fake == "echo":
        os.write(master, os.read(master, 100))
        word("exit 000")
    elif fake == "binary":
        # What looks like a last word, and isn't, and bytes of all kinds.
        os.write(master, b"\000\377\r\n\033\033_kiln:0123 exit 009\033\\\033[0m\033_kiln")
        time.sleep(0.1)
        word("exit 004")
    elif fake == "big":
        for _ in range(1000):
            os.write(master, b"%01000d" % 0)
        word("exit 000")
    elif fake in ("saved", "checkpoint"):
        write("state", "---ss-")
        time.sleep(2.5)
        if fake == "saved":
            os.unlink(path("state"))
            time.sleep(100)
        write("state", "-b----")
        os.write(master, b"going on\n")
        time.sleep(2.5)
        word("exit 003")
    elif fake == "hung":
        wait_for("hanging")
        os.write(master, b"ending")
        word("exit 003")
        time.sleep(100)
    elif fake != "lost":
        os.write(master, b"ending")
        word(fake)
    write("state", "---s--")
    time.sleep(100)


def setting(key):
    return re.search("^%s='(.*)'$" % key, read("cfg"), re.M).group(1)


def is_ours(which):
    """What xl does to a domain it does to the one of this number or name."""
    if which not in ("7", setting("name")) or not os.path.exists(path("state")):
        sys.exit("%s is an invalid domain identifier" % which)


# libxl hears of its children by SIGCHLD alone, and would wait for ever.
blocked = int(re.search(r"SigBlk:\s*([0-9a-f]+)", open("/proc/self/status").read()).group(1), 16)
if blocked & 1 << (signal.SIGCHLD - 1):
    sys.exit("%s: SIGCHLD is blocked" % name)
if name != "xenstore-watch":
    open(path("log"), "a").write(" ".join([name] + args) + "\n")
if os.environ.get("FAKE_FAIL") and os.environ["FAKE_FAIL"] in " ".join([name] + args):
    if not os.path.exists(path("failed")):
        write("failed", "")
        sys.exit("%s: as was asked for" % name)
if os.environ.get("FAKE_HANG") and os.environ["FAKE_HANG"] in " ".join([name] + args):
    if os.path.exists(path("running")) and not os.path.exists(path("hanging")):
        write("hanging", "")
        time.sleep(100)
if name == "xl" and args[0] == "create":
    if fake == "refuse":
        print("libxl: error: no memory")
        sys.exit(1)
    write("cfg", open(args[-1]).read())
    if fake == "namesake":
        write("state", "-b----")
        sys.exit("libxl: error: Domain with name \"%s\" already exists." % setting("name"))
    if fake == "slow":
        write("creating", "")
        time.sleep(2)
    write("state", "--p---")
    if os.fork() == 0:
        os.close(1)
        os.close(2)
        write("pid", str(os.getpid()))
        guest()
elif name == "xl" and args[0] == "unpause":
    is_ours(args[1])
    write("running", "")
elif name == "xl" and args == ["list", "-v"]:
    row = "%-40s %5d %5d %5d     %s  %8.1f %s %8s %16s"
    print("a warning\nName ID Mem VCPUs\tState\tTime(s) UUID Reason-Code\tSecurity Label")
    print(row % ("Domain-0", 0, 320, 1, "r-----", 9, "00000000-0000-0000-0000-000000000000", "-", "-"))
    if os.path.exists(path("state")):
        uuid = "11111111-1111-1111-1111-111111111111" if fake == "namesake" else setting("uuid")
        state = read("state")
        reason = "-" if state[3] != "s" else "2" if state[4] == "s" else "0"
        print(row % (setting("name"), 7, 128, 1, state, 0.1, uuid, reason, "-"))
    if fake == "saved":
        # Where it goes to may be this host.
        print(row % (setting("name"), 8, 128, 1, "-b----", 0.1, setting("uuid"), "-", "-"))
elif name == "xl" and args[0] == "shutdown":
    is_ours(args[1])
    write("shutdown", "")
elif name == "xl" and args[0] == "destroy":
    is_ours(args[1])
    for f in "state", "running", "shutdown", "tty":
        if os.path.exists(path(f)):
            os.unlink(path(f))
    if read("pid"):
        try:
            os.kill(int(read("pid")), signal.SIGKILL)
        except ProcessLookupError:
            pass
elif name == "xenstore-read":
    if not read("tty"):
        sys.exit(1)
    print(read("tty"))
elif name == "xenstore-write":
    # It takes what begins with a dash for an option, wherever that is, and undoes backslashes.
    if args[0] == "--":
        args = args[1:]
    elif any(a.startswith("-") for a in args):
        sys.exit("invalid option")
    open(path("store"), "ab").write(args[1].encode("utf-8", "surrogateescape").replace(b"\\\\", b"\\"))
elif name == "xenstore-watch":
    print("@releaseDomain", flush=True)
    before = ""
    while True:
        now = read("state") if os.path.exists(path("state")) else "gone"
        if now != before and (now == "gone" or "s" in now):
            print("@releaseDomain", flush=True)
        before = now
        time.sleep(0.05)
