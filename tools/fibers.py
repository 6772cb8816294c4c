# SPDX-License-Identifier: MIT
"""For gdb (source tools/fibers.py): the fibers of a program that stands still,
or of its core.

fibers    lists those of every worker: a number, the address of its struct
          ws__coroutine, its route or function, and what it waits for
fiber N   its backtrace, N a number of that list or an address; up, frame and
          info locals are about it from then on
fiber     back to the thread, as does letting the program go on

The library needs its debugging symbols."""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

WANTED = ((0x001, "to be read"), (0x004, "to be written"), (0x002, "urgent"))


def chain(first, link):
    while first != 0:
        yield first
        first = first[link]


# ---- Fibers -----------------------------------------------------------------

def static(name, kind):
    """In what is optimised as a whole it has a symbol without a place, too, in
    whichever file."""
    for found in gdb.lookup_static_symbols(name):
        if str(found.type).startswith(kind) and \
                not found.value().is_optimized_out:
            return found.value()
    raise gdb.GdbError("the library's debugging symbols are missing")


def workers():
    return reversed(list(chain(static("workers", "struct ws__worker"), "next")))


def fibers_of(worker):
    return reversed(list(chain(worker["newest"], "older")))


def all_fibers():
    return [fiber for worker in workers() for fiber in fibers_of(worker)]


def plain(atomic):
    return int(atomic.cast(gdb.lookup_type("int")))


def symbol(address):
    """<name+offset> of what lies at an address, if that is known."""
    text = gdb.execute(f"info symbol {int(address)}", to_string=True)
    return "" if text.startswith("No symbol") else \
        " <" + text.split(" in section")[0].replace(" + ", "+") + ">"


def name(fiber):
    if fiber["label"] != 0:
        return fiber["label"].string(errors="replace")
    function = gdb.block_for_pc(int(fiber["handle"]["fn"]))
    while function and not function.function:
        function = function.superblock
    return function.function.name if function else hex(fiber["handle"]["fn"])


def keys():
    """What fibers are queued for: {address of the parker: key}."""
    lot = static("lot", "struct bucket")
    low, high = lot.type.range()
    return {int(waiter["parker"]): waiter["key"]
            for i in range(low, high + 1)
            for waiter in chain(lot[i]["first"], "next")}


def waits_for(fiber, queued):
    if fiber["watch"] != 0:
        events = " or ".join(text for bit, text in WANTED
                             if int(fiber["wanted"]) & bit)
        yield f"fd {int(fiber['watch']['fd'])} {events}".rstrip()
    key = queued.get(int(fiber))
    if key is not None:
        yield f"what is at {int(key):#x}{symbol(key)}"
    elif fiber["takes_token"]:
        yield "a token"
    if fiber["timer"]["due"] != 0:
        ms = int(fiber["timer"]["due"]) - int(fiber["worker"]["now"])
        yield f"a deadline in {ms} ms"


def state(fiber, queued):
    if fiber["worker"]["current"] == fiber:
        return "runs"
    has_token = int(gdb.parse_and_eval("(int)WS__TOKEN"))
    woken = fiber["takes_token"] and plain(fiber["token"]) == has_token
    if not fiber["parked"] or woken:
        return "is to run"
    return "waits for " + (", ".join(waits_for(fiber, queued)) or "nothing")


class Fibers(gdb.Command):
    """List the fibers of every worker."""

    def __init__(self):
        super().__init__("fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        queued, number = keys(), 0
        for n, worker in enumerate(workers(), 1):
            print(f"worker {n} at {int(worker):#x}, "
                  f"{int(worker['fibers'])} fibers")
            for fiber in fibers_of(worker):
                number += 1
                print(f"{number:5}  {int(fiber):#x}  {name(fiber)}  "
                      f"{state(fiber, queued)}")


# ---- Backtraces -------------------------------------------------------------

X86_64 = ("r15", "r14", "r13", "r12", "rbx", "rbp", "rip")
X86_64_GREGS = {"r12": 4, "r13": 5, "r14": 6, "r15": 7, "rbp": 10, "rbx": 11,
                "rsp": 15, "rip": 16}
AARCH64 = tuple(f"x{n}" for n in range(19, 31))
AARCH64_FRAME = 160


def is_ucontext():
    switch = gdb.lookup_global_symbol("ws__switch")
    return bool(switch) and switch.symtab.filename.endswith(".c")


def saved_by_ucontext(left, arm):
    context = left.cast(gdb.lookup_type("ucontext_t").pointer())
    saved = context["uc_mcontext"]
    if not arm:
        return {r: int(saved["gregs"][i]) for r, i in X86_64_GREGS.items()}
    registers = {r: int(saved["regs"][int(r[1:])]) for r in AARCH64}
    return {**registers, "sp": int(saved["sp"]), "pc": int(saved["pc"])}


def saved_registers(fiber):
    """As lib/fiber/switch_*.S leaves them on the stack."""
    left = fiber["context"]["left"]
    arm = "aarch64" in gdb.selected_inferior().architecture().name()
    if is_ucontext():
        return saved_by_ucontext(left, arm)
    words = left.cast(gdb.lookup_type("unsigned long").pointer())
    names = AARCH64 if arm else X86_64
    registers = {r: int(words[i]) for i, r in enumerate(names)}
    if arm:
        registers.update(sp=int(left) + AARCH64_FRAME, pc=registers["x30"])
    else:
        registers["rsp"] = int(left) + 8 * len(names)
    return registers


def address(frame, register):
    """Registers are signed, some of them."""
    return int(frame.read_register(register)) & 0xffffffffffffffff


def innermost():
    frame = gdb.newest_frame()
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame


class Frame:
    """What gdb knows a frame by.  It refuses callers whose stacks are below."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class ToFiber(Unwinder):
    """Says that a fiber called the innermost frame of the thread.  So nothing
    is written to the program, which also serves for cores."""

    def __init__(self):
        super().__init__("silverback-fiber")
        self.sp = self.pc = self.below = self.registers = None

    def __call__(self, pending):
        if not self.registers or address(pending, "sp") != self.sp or \
                address(pending, "pc") != self.pc:
            return None
        word = gdb.lookup_type("unsigned long")
        info = pending.create_unwind_info(
            Frame(gdb.Value(self.below).cast(word), pending.read_register("pc")))
        for register, value in self.registers.items():
            info.add_saved_register(register, gdb.Value(value).cast(word))
        return info

    def end(self):
        self.registers = None
        gdb.invalidate_cached_frames()

    def begin(self, registers):
        """Returns the fiber's innermost frame."""
        frame = innermost()
        self.sp, self.pc = address(frame, "sp"), address(frame, "pc")
        self.below = registers.get("rsp", registers.get("sp")) - 64
        self.registers = registers
        gdb.invalidate_cached_frames()
        return innermost().older()


to_fiber = ToFiber()
register_unwinder(None, to_fiber, replace=True)
gdb.events.cont.connect(lambda event: to_fiber.end())


def backtrace(frame):
    """That of gdb, from a frame on."""
    level = 0
    while frame.newer():
        frame, level = frame.newer(), level + 1
    text = gdb.execute("backtrace", to_string=True).splitlines()
    begins = [i for i, line in enumerate(text) if line.startswith("#")]
    return text[begins[level]:]


def find(number):
    fibers = all_fibers()
    if 1 <= number <= len(fibers):
        return fibers[number - 1]
    for fiber in fibers:
        if int(fiber) == number:
            return fiber
    raise gdb.GdbError(f"There are {len(fibers)} fibers: see the list.")


class Fiber(gdb.Command):
    """Show the backtrace of a fiber: fiber NUMBER or fiber ADDRESS, and look at
    it from then on.  Without an argument look at the thread again."""

    def __init__(self):
        super().__init__("fiber", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        to_fiber.end()
        if not argument:
            return
        fiber = find(int(gdb.parse_and_eval(argument)))
        print(f"{name(fiber)} {state(fiber, keys())}")
        if fiber["worker"]["current"] == fiber:
            print("See the backtrace of its thread.")
            return
        registers = saved_registers(fiber)
        if symbol(registers.get("rip", registers.get("pc"))) == " <begin>":
            print("It has not run yet.")
            return
        frame = to_fiber.begin(registers)
        frame.select()
        print("\n".join(backtrace(frame)))


Fibers()
Fiber()
