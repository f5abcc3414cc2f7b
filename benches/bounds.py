"""What bounds the requirements that are missed, each by the profile that shows it. `report` prints those of
rows that are missed; whoever changes what a profile showed changes it here.

Profiles are `perf record` of the measured phase, on a build with its symbols.
"""

from __future__ import annotations

_IDLE = (
    "The wake-ups of sleeping processes, and cold code. *Bare*, in the table of first events, is what "
    "one wake-up costs a program that reads the pipe itself; here the reader is woken, and then its "
    "consumer. The rest is code that no cache holds after 5 ms of nothing: of 195 us that the "
    "consumer's thread spends on one event and the way into the next wait, 147 are in the "
    "interpreter, spread over hundreds of its functions, 20 in our native code, 15 in the kernel; a "
    "drain that takes 1 us in a loop takes 50."
)

BOUNDS = {
    "`run()` through the native filter": (
        "The reader thread, and at the end the interpreter's. Of the reader's time 44 % is the look "
        "at what a line says, 20 % routing it to a mailbox that does not want it, 7 % comparing "
        "memory, 17 % the kernel. All turns end together, and folding 200 results takes the "
        "interpreter a sixth of the time."
    ),
    "first event, idle, sync": _IDLE,
    "first event, idle, async": _IDLE,
    "cost per event from 1 to 5,000 turns": (
        "Not the events, but what each turn costs once: 5,000 turns have 120 deltas each, one has "
        "600,000. A task, a stream, its first waits, and the two events that are no deltas and are "
        "validated (some 25 us) come to 100 us a turn; the garbage collector has no part in it "
        "(1.50 s with, 1.52 s without it). The decoding from memory beside it slows by 1.6 x itself."
    ),
    "1,000 turns on the real runtime, CPU": (
        "Events come one at a time, from a runtime that keeps both cores busy. The bare driver, which "
        "reads lines and delivers them to nobody, spends half of what is allowed. Of ours, a quarter "
        "is starting threads and turns (1.0 ms for two requests and their answers), a fifth the "
        "reader thread (18 us an event, over half of it in the kernel: it is woken for each line), "
        "and the rest asyncio's way to each turn's task: 67 us an event, 87 % of it in the "
        "interpreter, spread as in first events. In a flood the same way takes 1.5 us."
    ),
}
