"""Whether a module for macOS is signed, and still what was signed.

On Apple silicon the kernel ends a program that loads a page whose hash is not the one in the module's
signature. A linker signs without any key (ad hoc), and a tool that changes the module afterwards, to strip it
for example, must sign it again. The format is that of Apple's `cs_blobs.h`: big-endian, whatever the
processor.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

import lief

_EMBEDDED_SIGNATURE = 0xFADE0CC0
_CODE_DIRECTORY = 0xFADE0C02
_SHA256 = 2


def problems(module: bytes, binary: lief.MachO.Binary) -> Iterator[str]:
    """What is wrong with the signature of `module`, a sentence each."""
    command = binary.code_signature
    if command is None:
        # Macs with Intel's processors load unsigned modules.
        if binary.header.cpu_type == lief.MachO.Header.CPU_TYPE.ARM64:
            yield "the module is not signed, not even ad hoc; Apple silicon refuses it"
        return
    blob = module[command.data_offset : command.data_offset + command.data_size]
    magic, _, count = struct.unpack_from(">III", blob)
    directories = [
        offset
        for _, offset in struct.iter_unpack(">II", blob[12 : 12 + 8 * count])
        if struct.unpack_from(">I", blob, offset) == (_CODE_DIRECTORY,)
    ]
    if magic != _EMBEDDED_SIGNATURE or not directories:
        yield "the module's signature has no list of hashes"
    for offset in directories:
        count, limit, page = _extent(blob[offset:])
        if limit != command.data_offset or count * page < limit:
            yield "the module's signature does not cover the whole module"
        changed = _changed_pages(module, blob[offset:])
        if changed:
            yield f"the module was changed after it was signed: {changed} of its pages differ"


def _extent(directory: bytes) -> tuple[int, int, int]:
    """How many pages have a hash, how many bytes they cover, and how many are in a page."""
    count, limit = struct.unpack_from(">II", directory, 28)
    (page_bits,) = struct.unpack_from(">B", directory, 39)
    return count, limit, 1 << page_bits


def _changed_pages(module: bytes, directory: bytes) -> int:
    count, limit, page = _extent(directory)
    (hashes,) = struct.unpack_from(">I", directory, 16)
    size, kind = struct.unpack_from(">BB", directory, 36)
    if kind != _SHA256:
        return count
    return sum(
        hashlib.sha256(module[number * page : min((number + 1) * page, limit)]).digest()[:size]
        != directory[hashes + number * size : hashes + (number + 1) * size]
        for number in range(count)
    )
