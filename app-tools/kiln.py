# SPDX-License-Identifier: BSD-2-Clause
"""gdb commands for images of Kiln, on a live guest or on a core.

    info lwps    list the lwps, those of the kernel, too
    lwp N        look at lwp N
    lwp          return to what the CPU does

`kiln gdb' and the script of `kiln run --gdb' load this file; otherwise: source kiln.py.

In a core each lwp is a thread.  On a live guest gdb's threads are the CPUs, and an lwp that runs on none
has its registers on its kernel stack: to look at it they are put into the CPU, whose own
come back before the guest goes on.
"""
import gdb

KERNEL_LWP = 1000000  # core.h
STATES = {0: "new", 1: "ready", 2: "running", 3: "sleeping", 4: "ended"}
LSONPROC, LSZOMB = 2, 4
SAVED = ("r15", "r14", "r13", "r12", "rbx", "rbp", "rip")  # what cpu_switchto() pops
RESUMING = "continue step stepi next nexti finish until advance jump detach kill disconnect"


def fail(text):
    raise gdb.GdbError(text)


def symbol(name, kind):
    """A variable of the kernel, whose names begin with rumpns_."""
    try:
        pointer = gdb.lookup_type(kind).pointer()
        return gdb.parse_and_eval("&rumpns_" + name).cast(pointer).dereference()
    except gdb.error:
        fail("no symbols of an image of Kiln (symbol-file IMAGE.debug -o BASE), or no memory")


class Lwp:
    def __init__(self, value):
        self.v = value
        self.lid = int(value["l_lid"])
        self.state = int(value["l_stat"])
        self.name = value["l_name"].string(errors="replace")
        self.cpu = int(value["l_cpu"].dereference()["ci_cpu"]["index"])
        self.on_cpu = self.state == LSONPROC

    def waits_for(self):
        what = self.v["l_wmesg"]
        try:
            return what.string(errors="replace") if STATES[self.state] == "sleeping" and what else ""
        except gdb.error:
            return "?"


def lwps():
    at = symbol("alllwp", "struct lwplist")["tqh_first"]
    for _ in range(100000):
        if not at:
            return
        lwp = Lwp(at.dereference())
        if lwp.state != LSZOMB:
            yield lwp
        at = at["l_list"]["tqe_next"]


def find(lid):
    for lwp in lwps():
        if lwp.lid == lid:
            return lwp
    fail("no lwp %d; see `info lwps'" % lid)


def threads():
    """gdb's threads by the second number of their ptid: an lwp in a core, a CPU on a live guest."""
    return {t.ptid[1]: t for t in gdb.selected_inferior().threads()}


def is_core():
    connection = getattr(gdb.selected_inferior(), "connection", None)
    return connection is not None and connection.type == "core"


def ptid(lid):
    return lid if lid > 0 else KERNEL_LWP - lid


# Registers of a CPU's own while it shows an lwp's: thread number of gdb's, names and values.
own = None


def register(name):
    return int(gdb.selected_frame().read_register(name)) & (1 << 64) - 1


def set_registers(values):
    gdb.execute("frame 0", to_string=True)
    for name, value in values:
        gdb.execute("set $%s = (unsigned long)%#x" % (name, value))


def restore():
    """Give the CPU its registers back."""
    global own
    if own is None:
        return
    number, values = own
    own = None
    gdb.execute("thread %d" % number, to_string=True)
    set_registers(values)


def show_saved(lwp):
    global own
    word = gdb.lookup_type("unsigned long")
    at = int(lwp.v["l_rsp"])
    stack = gdb.Value(at).cast(word.pointer())
    values = [(name, int(stack[1 + i])) for i, name in enumerate(SAVED)]
    values.append(("rsp", at + 8 * (1 + len(SAVED))))
    gdb.execute("frame 0", to_string=True)
    own = (gdb.selected_thread().num, [(name, register(name)) for name, _ in values])
    set_registers(values)


OURS = ("rumpcomponents/", "platform/", "build/gen/", "../src/src/", "../src/arch/")  # kernel, and libc's own files


def place(thread):
    """Where in the program a thread of a core is: the innermost frame with a line of its sources."""
    thread.switch()
    frame = gdb.newest_frame()
    for _ in range(64):
        line = frame.find_sal() if frame is not None else None
        if line is None:
            break
        if line.symtab is not None and frame.name() and not line.symtab.filename.startswith(OURS):
            return "%s (%s:%d)" % (frame.name(), line.symtab.filename, line.line)
        frame = frame.older()
    return ""


class InfoLwps(gdb.Command):
    """List the lwps: number, state, CPU, name, what they wait for, and in a core where.
The program's lwps are its threads, by their thread ids; the kernel's own are negative."""

    def __init__(self):
        super().__init__("info lwps", gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        form = "  %6s  %-9s %-4s %-16s %-12s %s"
        selected = gdb.selected_thread()
        by_id = threads() if is_core() else {}
        print((form % ("Lwp", "State", "CPU", "Name", "Waits for", "In" if by_id else "")).rstrip())
        for lwp in lwps():
            cpu = str(lwp.cpu) if lwp.on_cpu else "-"
            thread = by_id.get(ptid(lwp.lid))
            at = place(thread) if thread is not None else ""
            print((form % (lwp.lid, STATES.get(lwp.state, "?"), cpu, lwp.name, lwp.waits_for(), at)).rstrip())
        if by_id:
            selected.switch()


class LwpCommand(gdb.Command):
    """Look at lwp N: backtrace, frames, registers and locals are then its own.
Without N: return to what the CPU does.  A live guest goes on as if nothing had been."""

    def __init__(self):
        super().__init__("lwp", gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        if is_core():
            self.in_core(arg)
        else:
            self.live(arg)
        gdb.execute("frame")

    def in_core(self, arg):
        if not arg:
            fail("which lwp? see `info lwps'")
        thread = threads().get(ptid(int(gdb.parse_and_eval(arg))))
        if thread is None:
            fail("no lwp %s; see `info lwps'" % arg)
        thread.switch()

    def live(self, arg):
        restore()
        if not arg:
            return
        lwp = find(int(gdb.parse_and_eval(arg)))
        if not lwp.on_cpu:
            show_saved(lwp)
            return
        before = gdb.selected_thread()
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            gdb.execute("frame 0", to_string=True)
            if register("gs_base") == int(lwp.v["l_cpu"]):
                return
        before.switch()
        fail("CPU %d is not among gdb's threads" % lwp.cpu)


class LwpRestore(gdb.Command):
    """Give the CPU its own registers back, after `lwp N'.  Done before the guest goes on."""

    def __init__(self):
        super().__init__("lwp-restore", gdb.COMMAND_RUNNING)

    def invoke(self, arg, from_tty):
        restore()


class KilnAttach(gdb.Command):
    """kiln-attach COMMAND DEBUG-FILE: connect by COMMAND to a guest that runs, and find its image.
The image begins at the page with its ELF header, below the code that runs."""

    LIMIT = 1 << 16  # pages
    RESET = 0xfff0  # where a CPU begins

    def __init__(self):
        super().__init__("kiln-attach", gdb.COMMAND_RUNNING)

    def invoke(self, arg, from_tty):
        command, debug = gdb.string_to_argv(arg)
        if command.startswith("attach"):  # a hosted image: its interrupts and page faults
            gdb.execute("handle SIGUSR1 SIGALRM SIGIO SIGURG SIGSEGV nostop noprint pass", to_string=True)
        gdb.execute(command, to_string=True)
        memory = gdb.selected_inferior()
        if register("rip") == self.RESET:
            fail("the guest waits for its first instruction: the gdb command that `kiln run --gdb' has printed "
                 "starts it and stops at main; or continue, interrupt it, and try again")
        page = register("rip") & ~4095
        for _ in range(min(self.LIMIT, page // 4096)):
            try:
                if bytes(memory.read_memory(page, 4)) == b"\x7fELF":
                    break
            except gdb.MemoryError:
                pass
            page -= 4096
        else:
            fail("the CPU does not run code of the image; continue, and try again")
        gdb.execute("set $kiln_base = %#x" % page)
        gdb.execute("symbol-file %s -o %#x" % (debug.replace(" ", "\\ "), page))
        gdb.execute("frame")


def name_threads():
    """Threads of a core have numbers only; the kernel knows their names."""
    by_id = threads()
    for lwp in lwps():
        thread = by_id.get(ptid(lwp.lid))
        if thread is not None and lwp.name:
            thread.name = lwp.name


InfoLwps()
LwpCommand()
LwpRestore()
KilnAttach()
for command in RESUMING.split():
    gdb.execute("define hook-%s\nlwp-restore\nend" % command, to_string=True)
if is_core():
    try:
        name_threads()
    except gdb.GdbError:
        pass
