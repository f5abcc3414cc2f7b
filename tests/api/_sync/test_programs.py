# Made from _async/test_programs.py by `python scripts/make_sync.py`; do not edit.

"""Commands and processes that the runtime runs for the client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    Codex,
    CodexConfig,
    CommandHandle,
    InvalidRequestError,
    JsonRpcError,
    OutputChunk,
    ProcessHandle,
    StreamClosedError,
    StreamOverflowError,
    TransportClosedError,
)
from codex_app_server.models import UnknownNotification
from codex_app_server.testing import OfflineModel
from tests.api._sync.concurrency import Background, Marks, together
from tests.leaks import assert_idle
from tests.peer import ScriptedPeer
from tests.programs import CAT, READY_AND_SLEEP, SLEEP, python

Program = CommandHandle | ProcessHandle

KINDS = ("command_exec", "process_spawn")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def begin(codex: Codex, kind: str, *command: str, **given: Any) -> Program:
    program: Program = getattr(codex, kind)(list(command), **given)
    return program


def count_to(number: int, *, after: str = "pass") -> tuple[str, ...]:
    """A program that prints as many lines, once it has done something."""
    return python(f"{after}; print(*range({number}), sep='\\n')")


def read(program: Program, stream: str = "stdout") -> bytes:
    """All that is left of one output."""
    chunks: list[Any] = [chunk for chunk in program]
    return b"".join([chunk.data for chunk in chunks if chunk.stream == stream])


def read_until(program: Program, text: bytes) -> bytes:
    found = b""
    for chunk in program:
        assert isinstance(chunk, OutputChunk)
        found += chunk.data
        if text in found:
            break
    return found


# --- on the real runtime


def test_a_programs_output_and_end_are_told(kind: str, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        script = (
            "import os, sys, time; os.write(1, b'out'); time.sleep(0.05); os.write(2, b'err'); sys.exit(3)"
        )
        with begin(codex, kind, *python(script)) as program:
            chunks: list[Any] = [chunk for chunk in program]
            assert (program.wait()).exit_code == 3
            assert [chunk for chunk in program] == []
        assert {chunk.stream: chunk.data for chunk in chunks} == {"stdout": b"out", "stderr": b"err"}
        assert (program.wait()).exit_code == 3
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


def test_every_byte_goes_in_and_comes_out(kind: str, model: OfflineModel) -> None:
    data = bytes(range(256)) * 400
    with Codex(model.config()) as codex:
        with begin(codex, kind, *CAT) as program:
            for start in range(0, len(data), 20_000):
                program.write(data[start : start + 20_000])
            program.close_stdin()
            assert read(program) == data
        assert_idle(codex.stats)


def test_a_conversation_with_a_program(kind: str, model: OfflineModel) -> None:
    script = "import os, sys\nfor line in sys.stdin: os.write(1, f'<{line[:-1]}>\\n'.encode())"
    with (
        Codex(model.config()) as codex,
        begin(codex, kind, *python(script)) as program,
    ):
        for word in (b"one", b"two"):
            program.write(word + b"\n")
            assert read_until(program, b">\n") == b"<" + word + b">\n"
        program.close_stdin()
        assert (program.wait()).exit_code == 0


def test_a_terminal_has_a_size_that_changes(kind: str, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        tell = "print(*os.get_terminal_size(), flush=True)"
        script = python(f"import os; {tell}; input(); {tell}")
        with begin(codex, kind, *script, tty=True, size=(33, 77)) as program:
            assert b"77 33" in read_until(program, b"33\r\n")
            program.resize(10, 20)
            program.write(b"\n")
            assert b"20 10" in read(program)


def test_a_program_that_is_terminated_keeps_its_output(kind: str, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        with begin(codex, kind, *READY_AND_SLEEP) as program:
            assert read_until(program, b"\n") == b"ready\n"
            program.terminate()
            assert read(program) == b""
            assert (program.wait()).exit_code != 0
            program.terminate()
        assert_idle(codex.stats)


def test_leaving_the_block_kills_a_program_that_runs_on(
    kind: str, model: OfflineModel, tmp_path: Path
) -> None:
    with Codex(model.config()) as codex:
        with begin(codex, kind, *READY_AND_SLEEP, disable_timeout=True) as program:
            read_until(program, b"ready")
        assert (program.wait()).exit_code != 0
        assert_idle(codex.stats)
        program.close()
        with pytest.raises(KeyError):
            with begin(codex, kind, *SLEEP) as program:
                raise KeyError
        assert_idle(codex.stats)
        assert codex.stats()["errands_sent"] == 0


def test_a_closed_handle_says_so(kind: str, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        program = begin(codex, kind, *SLEEP)
        program.close()
        program.close()
        for refused in (program.close_stdin, program.terminate):
            with pytest.raises(StreamClosedError):
                refused()
        with pytest.raises(StreamClosedError):
            program.write(b"x")
        with pytest.raises(StreamClosedError):
            program.resize(1, 1)
        assert [chunk for chunk in program] == []


def test_waiting_takes_no_output_away(kind: str, model: OfflineModel) -> None:
    with (
        Codex(model.config()) as codex,
        begin(codex, kind, *count_to(5000)) as program,
    ):

        def wait() -> int:
            return (program.wait()).exit_code

        assert together(wait, wait, wait) == [0, 0, 0]
        assert (read(program)).split() == [b"%d" % number for number in range(5000)]


def test_who_reads_and_who_waits_do_not_disturb_each_other(kind: str, model: OfflineModel) -> None:
    with (
        Codex(model.config()) as codex,
        begin(codex, kind, *count_to(3000, after="input()")) as program,
    ):

        def wait() -> int:
            return (program.wait()).exit_code

        def output() -> int:
            return len((read(program)).split())

        def go() -> None:
            program.write(b"\n")

        assert together(wait, output, go) == [0, 3000, None]


def test_a_program_runs_where_and_with_what_it_is_told(
    kind: str, model: OfflineModel, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    config = model.config(env={"TAKEN": "y"}, cwd=str(tmp_path))
    script = python("import os; print(os.getcwd(), os.getenv('GIVEN'), os.getenv('TAKEN'), sep='\\n')")
    with Codex(config) as codex:
        environment = {"GIVEN": "x", "TAKEN": None}
        with begin(codex, kind, *script, cwd="sub", env=environment) as program:
            assert (read(program)).decode().splitlines() == [str(tmp_path / "sub"), "x", "None"]
        with begin(codex, kind, *script) as program:
            assert (read(program)).decode().splitlines() == [str(tmp_path), "None", "y"]


def test_without_stdin_a_program_reads_an_end(kind: str, model: OfflineModel) -> None:
    with (
        Codex(model.config()) as codex,
        begin(codex, kind, *CAT, stream_stdin=False) as program,
    ):
        assert (program.wait()).exit_code == 0


def test_a_limit_of_output_is_said_on_the_last_piece(kind: str, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        with begin(codex, kind, *count_to(10_000), output_bytes_cap=100) as program:
            chunks: list[Any] = [chunk for chunk in program]
            assert sum(len(chunk.data) for chunk in chunks) == 100
            assert chunks[-1].cap_reached
        with begin(codex, kind, *count_to(10_000), disable_output_cap=True) as program:
            assert len((read(program)).split()) == 10000


def test_a_limit_of_time_ends_a_program(kind: str, model: OfflineModel) -> None:
    with (
        Codex(model.config()) as codex,
        begin(codex, kind, *SLEEP, timeout_ms=50) as program,
    ):
        assert (program.wait()).exit_code != 0


def test_many_programs_at_once_have_their_own_output(kind: str, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:

        def job(number: int) -> Any:
            def run() -> bytes:
                with begin(codex, kind, *python(f"print({number})")) as program:
                    return read(program)

            return run

        expected = [f"{number}{os.linesep}".encode() for number in range(20)]
        assert together(*(job(number) for number in range(20))) == expected
        assert_idle(codex.stats)


def test_a_command_that_is_refused_says_so_to_who_reads_and_who_waits(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        with codex.command_exec(["ls"], permission_profile="no-such") as command:
            for _ in range(2):
                with pytest.raises(InvalidRequestError) as caught:
                    command.wait()
                assert caught.value.method == "command/exec"
            with pytest.raises(InvalidRequestError):
                read(command)
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


def test_a_process_that_cannot_be_started_leaves_nothing(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        with pytest.raises(JsonRpcError, match="failed to spawn"):
            codex.process_spawn(["/no/such/program"])
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


def test_input_for_a_program_that_has_ended_is_refused(kind: str, model: OfflineModel) -> None:
    with (
        Codex(model.config()) as codex,
        begin(codex, kind, *python("")) as program,
    ):
        program.wait()
        with pytest.raises(InvalidRequestError):
            program.write(b"x")


# --- forced


@pytest.fixture
def scripted(peer: ScriptedPeer) -> CodexConfig:
    peer.answers["model/list"] = {"data": []}
    return CodexConfig(launch_args_override=peer.argv, turn_budget_bytes=20_000)


def output(kind: str, name: str, text: str) -> dict[str, Any]:
    subject = "processId" if kind == "command_exec" else "processHandle"
    method = "command/exec/outputDelta" if kind == "command_exec" else "process/outputDelta"
    params = {subject: name, "stream": "stdout", "deltaBase64": text, "capReached": False}
    return {"method": method, "params": params}


def exited(name: str) -> dict[str, Any]:
    params = {
        "processHandle": name,
        "exitCode": 7,
        "stdout": "",
        "stderr": "",
        "stdoutCapReached": False,
        "stderrCapReached": False,
    }
    return {"method": "process/exited", "params": params}


EXIT = {"exitCode": 7, "stdout": "", "stderr": ""}


class Scripted:
    """One program on the scripted runtime."""

    def __init__(self, codex: Codex, peer: ScriptedPeer, kind: str) -> None:
        self.codex, self.peer, self.kind = codex, peer, kind
        self._request: dict[str, Any] = {}
        self.name = ""

    def begin(self, *early: str) -> Program:
        """Start it; `early` output comes before the answer that it has started."""
        if self.kind == "command_exec":
            program = begin(self.codex, self.kind, "x")
            self._request = self.peer.expect("command/exec")
            self.name = self._request["params"]["processId"]
            self.write(*early)
            return program

        def answer(params: dict[str, Any]) -> dict[str, Any]:
            self.name = params["processHandle"]
            self.write(*early)
            return {}

        self.peer.answers["process/spawn"] = answer
        return begin(self.codex, self.kind, "x")

    def write(self, *texts: str) -> None:
        if texts:
            self.peer.send(*(output(self.kind, self.name, text) for text in texts))

    def end(self) -> None:
        if self.kind == "command_exec":
            self.peer.answer(self._request, EXIT)
        else:
            self.peer.send(exited(self.name))


def test_output_around_the_answers_is_not_lost(kind: str, scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        program = one.begin("YQ==", "Yg==")
        one.write("Yw==")
        one.end()
        codex.models()
        assert read(program) == b"abc"
        assert (program.wait()).exit_code == 7
        program.close()
        assert peer.received == 0
        assert_idle(codex.stats)


def test_the_end_is_told_even_when_output_was_dropped(
    kind: str, scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    with Codex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        program = one.begin()
        one.write(*["YWFh" * 250] * 100)
        one.end()
        codex.models()
        lost = codex.stats()["events_lost"]
        assert codex.stats()["mailbox_bytes"] <= 2 * 20_000
        assert lost > 0
        for _ in range(100 - lost):
            program.__next__()
        with pytest.raises(StreamOverflowError) as caught:
            program.__next__()
        assert caught.value.lost_events == lost
        assert read(program) == b""
        assert (program.wait()).exit_code == 7
        program.close()
        assert_idle(codex.stats)


def test_what_a_newer_runtime_says_of_a_program_raises_nothing(
    kind: str, scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    with Codex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        program = one.begin()
        odd = output(kind, one.name, "!")
        subject = "processId" if kind == "command_exec" else "processHandle"
        unknown = {"method": "process/usage", "params": {subject: one.name, "cpu": 1}}
        peer.send(odd, unknown, output(kind, one.name, "YQ=="))
        one.end()
        chunks: list[object] = [chunk for chunk in program]
        assert chunks == [UnknownNotification(odd["params"]), OutputChunk("stdout", b"a")]
        program.close()


def test_a_runtime_that_dies_ends_everything(kind: str, scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        with one.begin("YQ==") as program:
            marks = Marks()

            def wait() -> None:
                marks.reach("waiting")
                program.wait()

            waiting = Background(wait)
            marks.wait("waiting")
            assert read_until(program, b"a") == b"a"
            peer.exit(4)
            with pytest.raises(TransportClosedError) as caught:
                waiting.result()
            assert caught.value.exit_code == 4
            with pytest.raises(TransportClosedError):
                read(program)
            for refused in (program.wait, program.close_stdin, program.terminate):
                with pytest.raises(TransportClosedError):
                    refused()
            with pytest.raises(TransportClosedError):
                program.write(b"x")
            with pytest.raises(TransportClosedError):
                program.resize(1, 1)
        program.close()
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


def test_closing_while_somebody_waits_and_reads_ends_both(kind: str, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        program = begin(codex, kind, *READY_AND_SLEEP, disable_timeout=True)
        assert read_until(program, b"\n") == b"ready\n"
        marks = Marks()

        def wait() -> int:
            marks.reach("waiting")
            return (program.wait()).exit_code

        def output() -> bytes:
            marks.reach("reading")
            return read(program)

        waiting, reading = Background(wait), Background(output)
        marks.wait("waiting")
        marks.wait("reading")
        program.close()
        assert waiting.result() != 0
        assert reading.result() == b""
        assert_idle(codex.stats)


def test_a_ctrl_c_in_the_block_does_not_wait(kind: str, scripted: CodexConfig, peer: ScriptedPeer) -> None:
    with Codex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        with pytest.raises(KeyboardInterrupt):
            with one.begin() as program:
                raise KeyboardInterrupt
        stop = peer.expect("command/exec/terminate" if kind == "command_exec" else "process/kill")
        peer.answer(stop, {})
        one.end()
        with pytest.raises(StreamClosedError):
            program.wait()
        codex.models()
        assert codex.stats()["errands_sent"] == 1
        assert_idle(codex.stats)
