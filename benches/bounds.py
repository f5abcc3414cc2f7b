"""What bounds the requirements that are missed, each by the profile that shows it. `report` prints those of
rows that are missed; whoever changes what a profile showed changes it here.

Profiles of Python threads are `perf record` of the consuming phase alone, on a build with its symbols.
"""

from __future__ import annotations

_IDLE = (
    "In a trace of the scheduler (`perf record -e sched:*,raw_syscalls:*`): some 60 us for the "
    "wake-ups of the reader and of the consumer, 25 us in the reader, and 150 us of cold Python and "
    "native code between the consumer's wake-up and its event, a dozen calls with 95 us in a `drain` "
    "that takes 1 us in a loop."
)

BOUNDS = {
    "async streams, 1,000 turns": (
        "The interpreter's thread. 46 % of its time is the garbage collector: a hot stream decodes a "
        "batch of up to 256 events and pauses behind it, so that 1,000 streams hold up to a quarter "
        "of a million events of four tracked objects each. With one stream it is 15 %."
    ),
    "async stream, 1 turn": (
        "The interpreter's thread: 18 % evaluation (a coroutine per event, and the program's own "
        "loop), 17 % attributes, dicts and sets of the objects that are built, 16 % freeing and 14 % "
        "allocating them, 15 % the garbage collector, 8 % our native code."
    ),
    "`run()` through the native filter": (
        "The reader thread: 63 % of its time is the look at what a line says, which reads every "
        "string of a delta that is then dropped; framing takes 19 %, the kernel 9 %, routing 8 %."
    ),
    "first event, idle, sync": _IDLE,
    "first event, idle, async": _IDLE
    + (" asyncio adds the selector, a callback, a future and a task's step: 80 us."),
    "cost per event from 1 to 5,000 turns": (
        "The garbage collector, as with 1,000 turns: it visits what all streams hold decoded."
    ),
}
