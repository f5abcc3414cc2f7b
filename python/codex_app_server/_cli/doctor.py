"""`doctor`: one examination, from the package itself to a turn on the offline model.

Owns which checks there are, their order, and which are left out because an earlier one failed. What is looked
at is in `installation`, `runtime`, `schema` and `turn`. A check that raises has failed, and the next one
follows; each is bounded in time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import replace

from .._text.redaction import redacted, redacted_all
from . import installation, turn
from .report import Check, Finding, Printer, Status, document, works
from .runtime import Patient
from .wording import in_options


def run(options: argparse.Namespace) -> int:
    """Examine and show; returns the exit code."""
    printer = None if options.json else Printer(sys.stdout)
    checks: list[Check] = []
    examination = examine(options.codex_bin, options.timeout, with_turn=not options.no_turn)
    with closing(examination):
        for check in examination:
            checks.append(check)
            if printer is not None:
                printer.show(check)
    if printer is None:
        print(document(checks))
    else:
        printer.sum_up(checks)
    return 0 if works(checks) else 1


def examine(codex_bin: str | None, timeout_s: float, *, with_turn: bool) -> Generator[Check]:
    """Yields each check once it is done. A runtime that it started is ended when this is closed."""
    patient = Patient(codex_bin, timeout_s)
    yield _check("sdk", installation.sdk)
    yield _check("python", installation.python)
    yield _check("platform", installation.system)
    native = _check("native_module", installation.native)
    yield native
    yield _check("packaged_runtime", lambda: installation.packaged(needed=codex_bin is None))
    yield _check("home", installation.home)
    binary = _check("runtime", patient.find)
    yield binary
    blocked = _blocked(native, binary)
    with ExitStack() as session:
        yield _check("start", lambda: patient.start(session), unless=blocked)
        asleep = None if patient.is_started else "no runtime is started"
        yield _check("config", patient.configuration, unless=asleep)
        yield _check("login", patient.login, unless=asleep)
    yield _check("versions", patient.versions)
    # A home that is broken keeps the runtime from starting; the turn has a home of its own.
    hopeless = not patient.is_started and binary.status is not Status.ok
    mute = "the runtime does not work" if hopeless else None
    yield _check("schema", patient.schema, unless=mute)
    yield _check(
        "turn",
        lambda: turn.run(codex_bin, timeout_s),
        unless=(blocked or mute) if with_turn else "left out by --no-turn",
    )


def _check(name: str, look: Callable[[], Finding], *, unless: str | None = None) -> Check:
    begun = time.perf_counter()
    try:
        finding = look() if unless is None else Finding(Status.skipped, unless)
    except Exception as error:
        finding = Finding(Status.failed, str(error) or type(error).__name__)
    duration_ms = (time.perf_counter() - begun) * 1000
    # Of every check, for what a runtime writes comes into errors of any kind, and into what it calls itself.
    detail = redacted(in_options(finding.detail))
    told = replace(finding, detail=detail, data=redacted_all(finding.data))
    return Check(name, told, duration_ms)


def _blocked(native: Check, binary: Check) -> str | None:
    """Why no client can be made, if none can."""
    if native.status is Status.failed:
        return "it needs the native module"
    return "there is no runtime" if binary.status is Status.failed else None
