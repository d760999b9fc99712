#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for what kiln run calls on a Xen host; its name says what it is to be.

FAKE_DIR is where it keeps everything: log (commands), cfg, store, tty, state.  FAKE is what the guest
does: "exit 3", "panic" ... say so as its last word; others are below.
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
    elif fake != "lost":
        os.write(master, b"ending")
        word(fake)
    write("state", "---s--")
    time.sleep(100)


if name != "xenstore-watch":
    open(path("log"), "a").write(" ".join([name] + args) + "\n")
if name == "xl" and args[0] == "create":
    if fake == "refuse":
        print("libxl: error: no memory")
        sys.exit(1)
    write("cfg", open(args[-1]).read())
    write("state", "--p---")
    if os.fork() == 0:
        os.close(1)
        os.close(2)
        write("pid", str(os.getpid()))
        guest()
elif name == "xl" and args[0] == "domid":
    print("a warning\n7")
elif name == "xl" and args[0] == "unpause":
    write("running", "")
elif name == "xl" and args[0] == "list":
    if not os.path.exists(path("state")):
        sys.exit(1)
    print("Name ID Mem VCPUs State Time(s)\n%s 7 128 1 %s 0.1" % (args[1], read("state")))
elif name == "xl" and args[0] == "shutdown":
    write("shutdown", "")
elif name == "xl" and args[0] == "destroy":
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
    while True:
        if "s" in read("state"):
            print("@releaseDomain", flush=True)
            time.sleep(100)
        time.sleep(0.05)
