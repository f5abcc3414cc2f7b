"""What is wrong with a module for Windows, read from its PE file.

Owns what such a file says of itself: processor, libraries, exports, where it may be loaded, what was left in
it. Called by `native`, which knows which platform a file is for.
"""

from __future__ import annotations

from collections.abc import Iterator

import lief

from scripts.wheels.platforms import FREE_THREADED, STABLE_ABI, Platform

_MACHINES = {"amd64": lief.PE.Header.MACHINE_TYPES.AMD64, "arm64": lief.PE.Header.MACHINE_TYPES.ARM64}
# The interpreter's library, by the kind of wheel: a name with a version is good for that version only.
_PYTHONS = {STABLE_ABI: "python3.dll", FREE_THREADED: "python314t.dll"}
# What every Windows 10 has; and what CPython has beside it, because Microsoft's compiler needs it.
_LIBRARIES = {f"{name}.dll" for name in ("kernel32", "ntdll", "ws2_32", "bcryptprimitives", "vcruntime140")}
_API_SETS = "api-ms-win-"
_EXPORTED = {"PyInit__native"}

_FLAG = lief.PE.OptionalHeader.DLL_CHARACTERISTICS
# Windows on Arm loads nothing without both.
_FLAGS = {_FLAG.DYNAMIC_BASE: "at any address", _FLAG.NX_COMPAT: "with data that is no code"}


def problems(binary: lief.PE.Binary, platform: Platform, abi: str) -> Iterator[str]:
    """What is wrong with `binary` as the module of a wheel of the kind `abi`, a sentence each."""
    if binary.header.machine != _MACHINES[platform.machine]:
        yield f"the module is for {binary.header.machine.name}, not {platform.machine}"
    # Windows does not tell upper from lower case in them.
    named = [str(library.name).lower() for library in (*binary.imports, *binary.delay_imports)]
    python = {name for name in named if name.startswith("python")}
    if python != {_PYTHONS[abi]}:
        yield f"the module needs {', '.join(sorted(python)) or 'no Python'}, not {_PYTHONS[abi]}"
    surplus = {name for name in named if not name.startswith(_API_SETS)} - _LIBRARIES - python
    if surplus:
        yield f"the module needs {', '.join(sorted(surplus))}, which not every Windows has"
    table = binary.get_export()
    exported = {str(entry.name) for entry in table.entries} if table is not None else set()
    if exported != _EXPORTED:
        yield f"the module exports {', '.join(sorted(exported)) or 'nothing'}, not {', '.join(_EXPORTED)}"
    for flag, meaning in _FLAGS.items():
        if not binary.optional_header.has(flag):
            yield f"the module cannot be loaded {meaning}"
    left = [str(each.name) for each in binary.sections if str(each.name).startswith(".debug")]
    # Microsoft's linker names the file that has the debug information, and where that is.
    left += [str(each.filename) for each in binary.debug if isinstance(each, lief.PE.CodeViewPDB)]
    if left or next(iter(binary.symbols), None) is not None:
        yield f"the module is not stripped: it has {', '.join(left) or 'a table of symbols'}"
