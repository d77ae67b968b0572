#!/usr/bin/python3
"""The syscall instructions of this system's libc, loader and vDSO: all are found, by objdump's witness, and nearly
all can be patched. sites_libc_test.py SITES [FILE...]: other objects as well. Speaks TAP."""
import re
import shutil
import subprocess
import sys
import tempfile

SITES = sys.argv[1]
# Debian's version: found, patched and returning from signals, counted once by hand.
KNOWN = {"2.36-9+deb12u14": {"libc": (526, 525, 1), "loader": (46, 45, 1)}}
SHARE = 0.99  # of any other glibc: of 2.41 and later, the call that cancellation watches is left


class Site:
    def __init__(self, line):
        address, self.shape, code = line.split()[:3]
        before, middle, _ = re.split(r"[\[\]]", code)
        self.call = int(address, 16)
        self.begin = self.call - len(before) // 2
        self.end = self.begin + len(code.replace("[", "").replace("]", "")) // 2
        self.is_call = middle == "0f05"
        self.text = line

    def is_patched(self):
        return self.shape in ("number", "moved")


class Object:
    """What our lister and objdump say of a file."""

    def __init__(self, name, path):
        self.name = name
        listed = subprocess.run([SITES, path], capture_output=True, text=True, check=True, timeout=60).stdout
        self.sites = [Site(line) for line in listed.splitlines()[:-1]]
        seen = subprocess.run(["objdump", "-d", "-w", "--no-show-raw-insn", path], capture_output=True, text=True,
                              check=True, timeout=60).stdout
        instructions = re.findall(r"^ *([0-9a-f]+):\t(.*)", seen, re.M)
        self.begins = {int(address, 16) for address, _ in instructions}
        self.calls = {int(address, 16) for address, text in instructions if re.match(r"(rex\.\w+ )?syscall\b", text)}
        self.targets = {int(target, 16): address for address, text in instructions
                        for target in re.findall(r"^(?:[a-z]+ )*(?:j\w+|call|loop\w*|xbegin) +([0-9a-f]+)", text)}


def objects(folder):
    with open("/proc/self/maps", encoding="utf-8") as file:
        maps = file.read()
    for name, pattern in (("libc", r"/\S*/libc\.so\.6$"), ("loader", r"/\S*/ld-linux-x86-64\.so\.2$")):
        found = re.search(pattern, maps, re.M)
        if found:
            yield Object(name, found[0])
    found = re.search(r"^(\w+)-(\w+) .*\[vdso\]$", maps, re.M)
    if found:
        begin, end = int(found[1], 16), int(found[2], 16)
        with open("/proc/self/mem", "rb") as memory, open(folder + "/vdso", "wb") as file:
            memory.seek(begin)
            file.write(memory.read(end - begin))
        yield Object("vdso", folder + "/vdso")
    for path in sys.argv[2:]:
        yield Object(path, path)


def each_syscall_instruction_is_a_site_and_nothing_else_is(things):
    if len(things) < 2:
        yield "libc and the loader are not mapped here"
    for thing in things:
        ours = {site.call for site in thing.sites}
        yield from (f"{thing.name}: {call:x} is missing" for call in sorted(thing.calls - ours))
        yield from (f"{thing.name}: {call:x} is no instruction" for call in sorted(ours - thing.calls))
        yield from (f"{thing.name}: {site.text}" for site in thing.sites if not site.is_call)


def a_site_is_whole_instructions(things):
    for thing in things:
        yield from (f"{thing.name}: {site.text}" for site in thing.sites
                    if not {site.begin, site.call, site.end} <= thing.begins)


def no_direct_jump_leads_into_a_site(things):
    for thing in things:
        for site in thing.sites:
            for place in range(site.begin + 1, site.end) if site.is_patched() else ():
                if place in thing.targets:
                    yield f"{thing.name}: {site.text}: from {thing.targets[place]}"


def nearly_all_sites_are_patched(things):
    for thing in things[:2]:
        patched = sum(site.is_patched() for site in thing.sites)
        returns = sum(site.shape == "returns" for site in thing.sites)
        print(f"# {thing.name} of glibc {VERSION}: {len(thing.sites)} sites, {patched} patched, {returns} of signals")
        if VERSION in KNOWN and (len(thing.sites), patched, returns) != KNOWN[VERSION][thing.name]:
            yield f"{thing.name}: {KNOWN[VERSION][thing.name]} were expected"
        if patched < SHARE * (len(thing.sites) - returns):
            yield f"{thing.name}: less than {SHARE:.0%}"
        for site in thing.sites:
            if site.shape == "left":
                print("# " + site.text)


def version_of_glibc():
    """As its package has it, or as it says itself; None: it is another libc."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        path = re.search(r"/\S*/libc\.so\.6$", file.read(), re.M)
    if not path:
        return None
    with open(path[0], "rb") as file:
        found = re.search(rb"GNU C Library \((?:Debian GLIBC )?([^)]*)\)", file.read())
    return found[1].decode() if found else None


VERSION = version_of_glibc()
TESTS = [each_syscall_instruction_is_a_site_and_nothing_else_is, a_site_is_whole_instructions,
         no_direct_jump_leads_into_a_site, nearly_all_sites_are_patched]
why = "this libc is not glibc" if not VERSION else None if shutil.which("objdump") else "there is no objdump"
failed = False
print(f"1..{len(TESTS)}")
with tempfile.TemporaryDirectory() as folder_:
    things_ = [] if why else list(objects(folder_))
    for number, test in enumerate(TESTS, 1):
        complaints = [] if why else list(test(things_))
        failed |= bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {number} - {test.__name__}{' # SKIP ' + why if why else ''}")
        for complaint in complaints[:8]:
            print("# " + complaint)
sys.exit(failed)
