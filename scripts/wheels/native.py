"""What is wrong with the native module of a wheel, read from its bytes alone.

It never loads the module, so a module of any platform is checked on any machine. The checks that other tools
do (tag against symbols, stable ABI) are in `check`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import lief

from scripts.wheels import pe, signature
from scripts.wheels.platforms import STABLE_ABI, Platform

# Where the sources of what is compiled are, once the build has renamed the folders of its machine; the last
# is a name that Rust's own builds give.
_SOURCES = re.compile(rb"/rustc[/\\]|/crates[/\\]|/rust/deps[/\\]|rust[/\\](?:core|bindings)[/\\]src[/\\]")
# A text with slashes that may stand before one of these and is no folder: a method's name. What a path has
# before them begins or ends with a slash.
_NAME = re.compile(rb"\w[\w/]*\w")
_SOURCE_FILE = re.compile(rb"[\w.+:/\\-]*?\.rs\b")
# Folders in which people and machines build; a path below one of them is a path of whoever built it. Nobody
# builds where Windows itself is, which the core names.
_BUILDERS_FOLDERS = re.compile(
    rb"(?:/(?:home|root|Users|Volumes|work|workspace|builds?|tmp|runner|github|private/var|var/lib|var/folders|opt|mnt|"
    rb"data|srv)/|[A-Za-z]:\\(?!Windows))[\w.+-]+(?:[/\\][\w.+-]+)*"
)

# The format of each system's modules; that of the others is ELF.
_FORMATS = {"macosx": lief.MachO.Binary, "win": lief.PE.Binary}
_NAMES = {lief.ELF.Binary: "an ELF file", lief.MachO.Binary: "a Mach-O file", lief.PE.Binary: "a PE file"}

_ELF_MACHINES = {"x86_64": lief.ELF.ARCH.X86_64, "aarch64": lief.ELF.ARCH.AARCH64}
_MACHO_MACHINES = {
    "x86_64": lief.MachO.Header.CPU_TYPE.X86_64,
    "arm64": lief.MachO.Header.CPU_TYPE.ARM64,
}
# What every macOS has; a module that needs more needs something installed.
_MACOS_LIBRARIES = {f"/usr/lib/lib{name}.dylib" for name in ("System.B", "iconv.2", "charset.1")}

_RUN_PATHS = (lief.ELF.DynamicEntryRunPath, lief.ELF.DynamicEntryRpath)

# lief writes to stdout what it cannot make out, also where it can do without.
lief.logging.disable()


def problems(module: bytes, platform: Platform, abi: str = STABLE_ABI) -> Iterator[str]:
    """What is wrong with `module` as one for `platform` in a wheel of the kind `abi`, a sentence each."""
    binary = lief.parse(io.BytesIO(module))
    wanted = _FORMATS.get(platform.system, lief.ELF.Binary)
    if not isinstance(binary, wanted):
        found = next((name for kind, name in _NAMES.items() if isinstance(binary, kind)), "no module")
        yield f"the module is {found}, not {_NAMES[wanted]}"
    elif isinstance(binary, lief.ELF.Binary):
        yield from _elf_problems(binary, platform)
    elif isinstance(binary, lief.MachO.Binary):
        yield from _macho_problems(module, binary, platform)
    elif isinstance(binary, lief.PE.Binary):
        yield from pe.problems(binary, platform, abi)


def _elf_problems(binary: lief.ELF.Binary, platform: Platform) -> Iterator[str]:
    if binary.header.machine_type != _ELF_MACHINES[platform.machine]:
        yield f"the module is for {binary.header.machine_type.name}, not {platform.machine}"
    searched = [str(entry) for entry in binary.dynamic_entries if isinstance(entry, _RUN_PATHS)]
    if searched:
        yield f"the module looks for libraries in a folder of its builder: {searched[0]}"
    left = [str(each.name) for each in binary.sections if str(each.name).startswith((".debug", ".symtab"))]
    if left:
        yield f"the module is not stripped: it has {', '.join(left)}"


def _macho_problems(module: bytes, binary: lief.MachO.Binary, platform: Platform) -> Iterator[str]:
    if binary.header.cpu_type != _MACHO_MACHINES[platform.machine]:
        yield f"the module is for {binary.header.cpu_type.name}, not {platform.machine}"
    oldest = tuple(_oldest_macos(binary)[:2])
    if not oldest:
        yield "the module does not say which macOS it needs"
    elif oldest > platform.version:
        yield f"the module needs macOS {'.'.join(map(str, oldest))}, the tag says {platform.tag}"
    own = lief.MachO.LoadCommand.TYPE.ID_DYLIB
    needed = {str(library.name) for library in binary.libraries if library.command != own}
    surplus = needed - _MACOS_LIBRARIES
    if surplus:
        yield f"the module needs {', '.join(sorted(surplus))}, which not every macOS has"
    exported = {str(symbol.name) for symbol in binary.exported_symbols}
    imported = {str(symbol.name) for symbol in binary.imported_symbols}
    left = {str(symbol.name) for symbol in binary.symbols} - exported - imported - {""}
    if left:
        yield f"the module is not stripped: it names {len(left)} symbols of its own, {min(left)} among them"
    yield from signature.problems(module, binary)


def _oldest_macos(binary: lief.MachO.Binary) -> list[int]:
    if binary.build_version is not None:
        return list(binary.build_version.minos)
    # What linkers wrote before macOS 10.14.
    return list(binary.version_min.version) if binary.version_min is not None else []


def local_paths(content: bytes) -> set[str]:
    """The paths of the machine that built it, in a native module or a text."""
    found = {match.group() for match in _BUILDERS_FOLDERS.finditer(content)}
    for match in _SOURCE_FILE.finditer(content):
        known = _SOURCES.search(match.group())
        # Strings stand side by side in a module, so a known folder may follow the end of another text, but no
        # path.
        before = match.group()[: known.start()] if known else match.group()
        if known and known.group().startswith(b"rust") and _NAME.fullmatch(before):
            continue
        if b"/" in before or b"\\" in before:
            found.add(match.group())
    return {path.decode() for path in found}


def imported_symbols(module: bytes) -> set[str]:
    """The names that an ELF module needs of its interpreter and the C library, without weak ones."""
    binary = _elf(module)
    weak = lief.ELF.Symbol.BINDING.WEAK
    # Not `imported_symbols`, which passes over symbols without a type; those of Python have none.
    undefined = (symbol for symbol in binary.dynamic_symbols if symbol.shndx == 0 and symbol.binding != weak)
    return {str(symbol.name) for symbol in undefined} - {""}


def exported_symbols(library: bytes) -> set[str]:
    """The names that an ELF library offers."""
    binary = _elf(library)
    return {str(symbol.name) for symbol in binary.exported_symbols}


def libraries(module: bytes) -> set[str]:
    """The libraries that an ELF module needs."""
    binary = _elf(module)
    return {str(name) for name in binary.libraries}


def _elf(content: bytes) -> lief.ELF.Binary:
    # Whoever calls this keeps the binary for as long as he looks at its parts: they do not keep it alive.
    binary = lief.ELF.parse(io.BytesIO(content))
    if binary is None:
        raise ValueError("not an ELF file")
    return binary
