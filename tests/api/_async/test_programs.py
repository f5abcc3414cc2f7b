"""Commands and processes that the runtime runs for the client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncCommandHandle,
    AsyncProcessHandle,
    CodexConfig,
    InvalidRequestError,
    JsonRpcError,
    OutputChunk,
    StreamClosedError,
    StreamOverflowError,
    TransportClosedError,
)
from codex_app_server.models import UnknownNotification
from codex_app_server.testing import OfflineModel
from tests.api._async.concurrency import Background, Marks, together
from tests.leaks import assert_idle
from tests.peer import ScriptedPeer
from tests.programs import CAT, READY_AND_SLEEP, SLEEP, python

Program = AsyncCommandHandle | AsyncProcessHandle

KINDS = ("command_exec", "process_spawn")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def begin(codex: AsyncCodex, kind: str, *command: str, **given: Any) -> Program:
    program: Program = await getattr(codex, kind)(list(command), **given)
    return program


def count_to(number: int, *, after: str = "pass") -> tuple[str, ...]:
    """A program that prints as many lines, once it has done something."""
    return python(f"{after}; print(*range({number}), sep='\\n')")


async def read(program: Program, stream: str = "stdout") -> bytes:
    """All that is left of one output."""
    chunks: list[Any] = [chunk async for chunk in program]
    return b"".join([chunk.data for chunk in chunks if chunk.stream == stream])


async def read_until(program: Program, text: bytes) -> bytes:
    found = b""
    async for chunk in program:
        assert isinstance(chunk, OutputChunk)
        found += chunk.data
        if text in found:
            break
    return found


# --- on the real runtime


async def test_a_programs_output_and_end_are_told(kind: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        script = (
            "import os, sys, time; os.write(1, b'out'); time.sleep(0.05); os.write(2, b'err'); sys.exit(3)"
        )
        async with await begin(codex, kind, *python(script)) as program:
            chunks: list[Any] = [chunk async for chunk in program]
            assert (await program.wait()).exit_code == 3
            assert [chunk async for chunk in program] == []
        assert {chunk.stream: chunk.data for chunk in chunks} == {"stdout": b"out", "stderr": b"err"}
        assert (await program.wait()).exit_code == 3
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_every_byte_goes_in_and_comes_out(kind: str, model: OfflineModel) -> None:
    data = bytes(range(256)) * 400
    async with AsyncCodex(model.config()) as codex:
        async with await begin(codex, kind, *CAT) as program:
            for start in range(0, len(data), 20_000):
                await program.write(data[start : start + 20_000])
            await program.close_stdin()
            assert await read(program) == data
        assert_idle(codex.stats)


async def test_a_conversation_with_a_program(kind: str, model: OfflineModel) -> None:
    script = "import os, sys\nfor line in sys.stdin: os.write(1, f'<{line[:-1]}>\\n'.encode())"
    async with (
        AsyncCodex(model.config()) as codex,
        await begin(codex, kind, *python(script)) as program,
    ):
        for word in (b"one", b"two"):
            await program.write(word + b"\n")
            assert await read_until(program, b">\n") == b"<" + word + b">\n"
        await program.close_stdin()
        assert (await program.wait()).exit_code == 0


async def test_a_terminal_has_a_size_that_changes(kind: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        tell = "print(*os.get_terminal_size(), flush=True)"
        script = python(f"import os; {tell}; input(); {tell}")
        async with await begin(codex, kind, *script, tty=True, size=(33, 77)) as program:
            assert b"77 33" in await read_until(program, b"33\r\n")
            await program.resize(10, 20)
            await program.write(b"\n")
            assert b"20 10" in await read(program)


async def test_a_program_that_is_terminated_keeps_its_output(kind: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        async with await begin(codex, kind, *READY_AND_SLEEP) as program:
            assert await read_until(program, b"\n") == b"ready\n"
            await program.terminate()
            assert await read(program) == b""
            assert (await program.wait()).exit_code != 0
            await program.terminate()
        assert_idle(codex.stats)


async def test_leaving_the_block_kills_a_program_that_runs_on(
    kind: str, model: OfflineModel, tmp_path: Path
) -> None:
    async with AsyncCodex(model.config()) as codex:
        async with await begin(codex, kind, *READY_AND_SLEEP, disable_timeout=True) as program:
            await read_until(program, b"ready")
        assert (await program.wait()).exit_code != 0
        assert_idle(codex.stats)
        await program.aclose()
        with pytest.raises(KeyError):
            async with await begin(codex, kind, *SLEEP) as program:
                raise KeyError
        assert_idle(codex.stats)
        assert codex.stats()["errands_sent"] == 0


async def test_a_closed_handle_says_so(kind: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        program = await begin(codex, kind, *SLEEP)
        await program.aclose()
        await program.aclose()
        for refused in (program.close_stdin, program.terminate):
            with pytest.raises(StreamClosedError):
                await refused()
        with pytest.raises(StreamClosedError):
            await program.write(b"x")
        with pytest.raises(StreamClosedError):
            await program.resize(1, 1)
        assert [chunk async for chunk in program] == []


async def test_waiting_takes_no_output_away(kind: str, model: OfflineModel) -> None:
    async with (
        AsyncCodex(model.config()) as codex,
        await begin(codex, kind, *count_to(5000)) as program,
    ):

        async def wait() -> int:
            return (await program.wait()).exit_code

        assert await together(wait, wait, wait) == [0, 0, 0]
        assert (await read(program)).split() == [b"%d" % number for number in range(5000)]


async def test_who_reads_and_who_waits_do_not_disturb_each_other(kind: str, model: OfflineModel) -> None:
    async with (
        AsyncCodex(model.config()) as codex,
        await begin(codex, kind, *count_to(3000, after="input()")) as program,
    ):

        async def wait() -> int:
            return (await program.wait()).exit_code

        async def output() -> int:
            return len((await read(program)).split())

        async def go() -> None:
            await program.write(b"\n")

        assert await together(wait, output, go) == [0, 3000, None]


async def test_a_program_runs_where_and_with_what_it_is_told(
    kind: str, model: OfflineModel, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    config = model.config(env={"TAKEN": "y"}, cwd=str(tmp_path))
    script = python("import os; print(os.getcwd(), os.getenv('GIVEN'), os.getenv('TAKEN'), sep='\\n')")
    async with AsyncCodex(config) as codex:
        environment = {"GIVEN": "x", "TAKEN": None}
        async with await begin(codex, kind, *script, cwd="sub", env=environment) as program:
            assert (await read(program)).decode().splitlines() == [str(tmp_path / "sub"), "x", "None"]
        async with await begin(codex, kind, *script) as program:
            assert (await read(program)).decode().splitlines() == [str(tmp_path), "None", "y"]


async def test_without_stdin_a_program_reads_an_end(kind: str, model: OfflineModel) -> None:
    async with (
        AsyncCodex(model.config()) as codex,
        await begin(codex, kind, *CAT, stream_stdin=False) as program,
    ):
        assert (await program.wait()).exit_code == 0


async def test_a_limit_of_output_is_said_on_the_last_piece(kind: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        async with await begin(codex, kind, *count_to(10_000), output_bytes_cap=100) as program:
            chunks: list[Any] = [chunk async for chunk in program]
            assert sum(len(chunk.data) for chunk in chunks) == 100
            assert chunks[-1].cap_reached
        async with await begin(codex, kind, *count_to(10_000), disable_output_cap=True) as program:
            assert len((await read(program)).split()) == 10000


async def test_a_limit_of_time_ends_a_program(kind: str, model: OfflineModel) -> None:
    async with (
        AsyncCodex(model.config()) as codex,
        await begin(codex, kind, *SLEEP, timeout_ms=50) as program,
    ):
        assert (await program.wait()).exit_code != 0


async def test_many_programs_at_once_have_their_own_output(kind: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:

        def job(number: int) -> Any:
            async def run() -> bytes:
                async with await begin(codex, kind, *python(f"print({number})")) as program:
                    return await read(program)

            return run

        expected = [f"{number}{os.linesep}".encode() for number in range(20)]
        assert await together(*(job(number) for number in range(20))) == expected
        assert_idle(codex.stats)


async def test_a_command_that_is_refused_says_so_to_who_reads_and_who_waits(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        async with await codex.command_exec(["ls"], permission_profile="no-such") as command:
            for _ in range(2):
                with pytest.raises(InvalidRequestError) as caught:
                    await command.wait()
                assert caught.value.method == "command/exec"
            with pytest.raises(InvalidRequestError):
                await read(command)
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_a_process_that_cannot_be_started_leaves_nothing(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        with pytest.raises(JsonRpcError, match="failed to spawn"):
            await codex.process_spawn(["/no/such/program"])
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_input_for_a_program_that_has_ended_is_refused(kind: str, model: OfflineModel) -> None:
    async with (
        AsyncCodex(model.config()) as codex,
        await begin(codex, kind, *python("")) as program,
    ):
        await program.wait()
        with pytest.raises(InvalidRequestError):
            await program.write(b"x")


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

    def __init__(self, codex: AsyncCodex, peer: ScriptedPeer, kind: str) -> None:
        self.codex, self.peer, self.kind = codex, peer, kind
        self._request: dict[str, Any] = {}
        self.name = ""

    async def begin(self, *early: str) -> Program:
        """Start it; `early` output comes before the answer that it has started."""
        if self.kind == "command_exec":
            program = await begin(self.codex, self.kind, "x")
            self._request = self.peer.expect("command/exec")
            self.name = self._request["params"]["processId"]
            self.write(*early)
            return program

        def answer(params: dict[str, Any]) -> dict[str, Any]:
            self.name = params["processHandle"]
            self.write(*early)
            return {}

        self.peer.answers["process/spawn"] = answer
        return await begin(self.codex, self.kind, "x")

    def write(self, *texts: str) -> None:
        if texts:
            self.peer.send(*(output(self.kind, self.name, text) for text in texts))

    def end(self) -> None:
        if self.kind == "command_exec":
            self.peer.answer(self._request, EXIT)
        else:
            self.peer.send(exited(self.name))


async def test_output_around_the_answers_is_not_lost(
    kind: str, scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        program = await one.begin("YQ==", "Yg==")
        one.write("Yw==")
        one.end()
        await codex.models()
        assert await read(program) == b"abc"
        assert (await program.wait()).exit_code == 7
        await program.aclose()
        assert peer.received == 0
        assert_idle(codex.stats)


async def test_the_end_is_told_even_when_output_was_dropped(
    kind: str, scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        program = await one.begin()
        one.write(*["YWFh" * 250] * 100)
        one.end()
        await codex.models()
        lost = codex.stats()["events_lost"]
        assert codex.stats()["mailbox_bytes"] <= 2 * 20_000
        assert lost > 0
        for _ in range(100 - lost):
            await program.__anext__()
        with pytest.raises(StreamOverflowError) as caught:
            await program.__anext__()
        assert caught.value.lost_events == lost
        assert await read(program) == b""
        assert (await program.wait()).exit_code == 7
        await program.aclose()
        assert_idle(codex.stats)


async def test_what_a_newer_runtime_says_of_a_program_raises_nothing(
    kind: str, scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        program = await one.begin()
        odd = output(kind, one.name, "!")
        subject = "processId" if kind == "command_exec" else "processHandle"
        unknown = {"method": "process/usage", "params": {subject: one.name, "cpu": 1}}
        peer.send(odd, unknown, output(kind, one.name, "YQ=="))
        one.end()
        chunks: list[object] = [chunk async for chunk in program]
        assert chunks == [UnknownNotification(odd["params"]), OutputChunk("stdout", b"a")]
        await program.aclose()


async def test_a_runtime_that_dies_ends_everything(
    kind: str, scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        async with await one.begin("YQ==") as program:
            marks = Marks()

            async def wait() -> None:
                await marks.reach("waiting")
                await program.wait()

            waiting = Background(wait)
            await marks.wait("waiting")
            assert await read_until(program, b"a") == b"a"
            peer.exit(4)
            with pytest.raises(TransportClosedError) as caught:
                await waiting.result()
            assert caught.value.exit_code == 4
            with pytest.raises(TransportClosedError):
                await read(program)
            for refused in (program.wait, program.close_stdin, program.terminate):
                with pytest.raises(TransportClosedError):
                    await refused()
            with pytest.raises(TransportClosedError):
                await program.write(b"x")
            with pytest.raises(TransportClosedError):
                await program.resize(1, 1)
        await program.aclose()
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_closing_while_somebody_waits_and_reads_ends_both(kind: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        program = await begin(codex, kind, *READY_AND_SLEEP, disable_timeout=True)
        assert await read_until(program, b"\n") == b"ready\n"
        marks = Marks()

        async def wait() -> int:
            await marks.reach("waiting")
            return (await program.wait()).exit_code

        async def output() -> bytes:
            await marks.reach("reading")
            return await read(program)

        waiting, reading = Background(wait), Background(output)
        await marks.wait("waiting")
        await marks.wait("reading")
        await program.aclose()
        assert await waiting.result() != 0
        assert await reading.result() == b""
        assert_idle(codex.stats)


async def test_a_ctrl_c_in_the_block_does_not_wait(
    kind: str, scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        one = Scripted(codex, peer, kind)
        with pytest.raises(KeyboardInterrupt):
            async with await one.begin() as program:
                raise KeyboardInterrupt
        stop = peer.expect("command/exec/terminate" if kind == "command_exec" else "process/kill")
        peer.answer(stop, {})
        one.end()
        with pytest.raises(StreamClosedError):
            await program.wait()
        await codex.models()
        assert codex.stats()["errands_sent"] == 1
        assert_idle(codex.stats)
