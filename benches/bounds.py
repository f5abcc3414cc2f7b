"""What bounds the requirements that are missed, each by the profile that shows it. `report` prints those of
rows that are missed; whoever changes what a profile showed changes it here.

Profiles are `perf record` of the measured phase, on a build with its symbols.
"""

from __future__ import annotations

_IDLE = (
    "The wake-ups of sleeping processes, and cold code. *Bare*, in the table of first events, is what"
    " one wake-up costs a program that reads the pipe itself; here the reader is woken, and then its "
    "consumer. The stages of one event for a thread, in us from before it is written (clocks in the "
    "native code, median): the reader wakes at 60, has read the line at 66, understood and routed it "
    "at 79, and woken the consumer at 88, which runs at 102 and has the interpreter at 106; the event"
    " is made at 143 and in the loop over the stream at 175. Making it takes 1 us when the caches "
    "hold the code, and 32 after 5 ms of nothing; the few lines of Python from there to the loop take"
    " 30."
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
        "600,000. A task, a stream, its first waits, and two events that are no deltas come to 57 us a "
        "turn (the difference between these two rows, for 120 deltas; 100 on a slower machine, where "
        "those two were still validated and took 25). The garbage collector has no part in it (1.50 s "
        "with, 1.52 s without it). The decoding from memory beside it slows by 1.6 x itself."
    ),
    "1,000 turns on the real runtime, wall": (
        "The runtime, which takes all that both cores have for the whole minute, and how much that is: "
        "on a shared machine the five rounds of one session had ratios of 1.01, 1.03, 1.13, 1.22 and "
        "1.36, and the driver alone took from 56 to 64 s. What ours takes beyond the driver is 3.7 s of "
        "CPU of the 124 that two cores have in that time, 3 %. Sessions before it and "
        "after it measured 1.08, 1.04 and 1.12."
    ),
    "1,000 turns on the real runtime, CPU": (
        "Events come a few at a time, from a runtime that keeps both cores busy and leaves no cache "
        "as it was. The bare driver, which reads lines and delivers them to nobody, spends half of "
        "what is allowed. Of ours, per turn of 37 events: the reader thread 0.95 ms (it is woken for "
        "nearly each line, and over half is in the kernel); the loop's thread 3.7 ms, in 11 rounds of"
        " the loop and 21 drains. Of that, 1.0 is starting a thread and a turn, 0.6 was the validation of"
        " five events that are no deltas and are built natively now (3 % of all fewer), and the rest the "
        "way to each task, a fifth of it asyncio's own. The interpreter's functions take 70 % of the "
        "samples, and none of them more than 3 %, the evaluation loop aside. In a flood the same way "
        "takes 1.5 us an event."
    ),
}
