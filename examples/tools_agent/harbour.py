"""What the tools of this example work on: the berths of a harbour, who has them, and a picture of them."""

import struct
import threading
import zlib

RED, BLUE, WHITE = b"\xb0\x30\x30", b"\x30\x60\xb0", b"\xff\xff\xff"


class Harbour:
    """The berths of a harbour. A tool may be called by several agents at once, so it has a lock."""

    def __init__(self) -> None:
        self.depths = {"A1": 2.5, "B2": 4.5, "C3": 6.0}
        self._taken: dict[str, str] = {}
        self._lock = threading.Lock()

    def free(self) -> dict[str, float]:
        """The depths of the berths that nobody has, in metres."""
        with self._lock:
            return {berth: depth for berth, depth in self.depths.items() if berth not in self._taken}

    def take(self, berth: str, who: str) -> bool:
        """Take a berth; False if somebody has it."""
        with self._lock:
            return self._taken.setdefault(berth, who) == who

    def chart(self) -> bytes:
        """A picture of all berths, as a PNG: a bar for each, as long as it is deep, red if it is taken."""
        rows = [WHITE * 64] * 2
        for berth, depth in self.depths.items():
            width = int(depth * 10)
            bar = (RED if berth in self._taken else BLUE) * width + WHITE * (64 - width)
            rows += [*[bar] * 6, *[WHITE * 64] * 2]
        return png(64, rows)


def png(width: int, rows: list[bytes]) -> bytes:
    """A picture of these rows of red, green and blue."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
