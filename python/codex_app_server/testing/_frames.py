"""The control channel's framing: pickled objects with a length before each, over the pipes between a process
and its own child.

Pickle is safe here: both ends are this package, in processes of one user, joined by pipes that nobody else
holds; bytes from the network travel only as `bytes` inside a frame.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator
from typing import IO, Any

_LENGTH = struct.Struct(">Q")


def write_frame(file: IO[bytes], value: object) -> None:
    """Write one object and flush it."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    file.write(_LENGTH.pack(len(data)) + data)
    file.flush()


def read_frames(file: IO[bytes]) -> Iterator[Any]:
    """Objects until the other end closes; a frame cut short ends them too."""
    while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        if len(data := file.read(length)) < length:
            return
        yield pickle.loads(data)  # noqa: S301 - see above
