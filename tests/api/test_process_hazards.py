"""What happens to a program as a whole: Ctrl-C, the end of the interpreter, forks, budgets."""

from __future__ import annotations

import os
import re
import select
import signal
import statistics
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codex_app_server import Codex, CodexConfig, Sandbox
from codex_app_server._launch.command import resolve
from codex_app_server.client import CodexClient
from codex_app_server.errors import DescriptorLimitError, ForkedProcessError, StreamOverflowError
from codex_app_server.testing import Answer, OfflineModel
from tests.leaks import Footprint
from tests.peer import ScriptedPeer, delta, event, started
from tests.processes import is_running, kill, press_ctrl_c
from tests.programs import python
from tests.wishes import shell

ROOT = Path(__file__).parents[2]


def program(body: str) -> list[str]:
    """A Python program that has an offline model and a client's config at hand."""
    head = """
        import sys, threading, time, os, signal
        from codex_app_server import Codex, AsyncCodex
        from codex_app_server.testing import OfflineModel
    """
    return [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(body)]


def read_until(fd: int, words: str, timeout_s: float = 30) -> str:
    text = ""
    while words not in text:
        assert select.select([fd], [], [], timeout_s)[0], text
        try:
            text += os.read(fd, 4096).decode()
        except OSError:  # the terminal's other end is gone
            break
    return text


def test_ctrl_c_in_a_terminal_ends_the_wait_and_not_the_runtime() -> None:
    body = """
        with OfflineModel() as model:
            model.hold()
            with Codex(model.config()) as codex:
                thread = codex.thread_start()
                try:
                    for event in thread.turn("go").stream():
                        print("waiting", flush=True)
                except KeyboardInterrupt:
                    print("alive", len(codex.models().data) > 0, flush=True)
    """
    import pty

    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover
        os.chdir(ROOT)
        os.execv(sys.executable, program(body))
    try:
        text = read_until(terminal, "waiting")
        os.write(terminal, b"\x03")
        text += read_until(terminal, "True")
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    assert "alive True" in text, text
    assert os.waitstatus_to_exitcode(status) == 0


def test_ctrl_c_interrupts_the_turn_of_a_run(peer: ScriptedPeer) -> None:
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        peer.answers["thread/start"] = {"thread": {"id": "t"}}
        peer.answers["turn/start"] = started("u")
        thread = codex.thread_start()

        def press() -> None:
            # The main thread waits for the turn's end by now, or is about to.
            Footprint.wait_until(lambda: codex.stats()["turns_routed"] == 1)
            press_ctrl_c()

        pressing = threading.Thread(target=press)
        pressing.start()
        with pytest.raises(KeyboardInterrupt):
            thread.run("go")
        pressing.join()
        peer.send(event("turn/started", "t", "u"))
        assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}


def test_ctrl_c_ends_a_wait_within_a_tenth_of_a_second(peer: ScriptedPeer) -> None:
    pressed = 0.0
    delays = []

    def press() -> None:
        nonlocal pressed
        peer.expect("model/list")
        pressed = time.perf_counter()
        press_ctrl_c()

    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        for _ in range(9):
            pressing = threading.Thread(target=press)
            pressing.start()
            with pytest.raises(KeyboardInterrupt):
                codex.models()
            delays.append(time.perf_counter() - pressed)
            pressing.join()
    # Half of them, on a machine that may be busy.
    assert statistics.median(delays) < 0.1, delays


@pytest.mark.parametrize("daemon", [False, True])
def test_a_thread_in_a_stream_does_not_hold_the_interpreter_up(daemon: bool) -> None:
    body = f"""
        model = OfflineModel().__enter__()
        model.hold()
        codex = Codex(model.config())
        turn = codex.thread_start().turn("go")
        waiting = threading.Event()
        def follow():
            try:
                for event in turn.stream():
                    waiting.set()
            except Exception as error:
                print(type(error).__name__, flush=True)
        threading.Thread(target=follow, daemon={daemon}).start()
        waiting.wait(30)
        print("pid", codex._runtime.connection.native.pid, flush=True)
    """
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    if not daemon:
        assert "ClientClosedError" in done.stdout
    found = re.search(r"pid (\d+)", done.stdout)
    assert found is not None
    assert not is_running(int(found[1]))


def test_a_child_that_a_signal_handler_forks_in_a_wait_is_refused_there() -> None:
    # The handler runs in the midst of a wait for an event, so the child comes back into it.
    body = """
        from codex_app_server import CodexConfig
        from codex_app_server.errors import ForkedProcessError
        from tests.peer import ScriptedPeer, started
        forked = None
        def fork(*_):
            global forked
            forked = os.fork()
        signal.signal(signal.SIGUSR1, fork)
        with ScriptedPeer() as peer, Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
            peer.answers |= {"thread/start": {"thread": {"id": "t"}}, "turn/start": started("u")}
            stream = codex.thread_start().turn("go").stream()
            main = os.getpid()
            threading.Timer(0.5, os.kill, (main, signal.SIGUSR1)).start()
            threading.Timer(20, os._exit, (3,)).start()
            def watch():
                while forked is None:
                    time.sleep(0.02)
                os._exit(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))
            threading.Thread(target=watch).start()
            try:
                next(stream)
            except ForkedProcessError:
                os._exit(0 if os.getpid() != main else 5)
            except BaseException:
                os._exit(6)
    """
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr)


def test_a_killed_program_takes_its_runtime_along() -> None:
    body = """
        with OfflineModel() as model, Codex(model.config()) as codex:
            print("pid", codex._runtime.connection.native.pid, flush=True)
            time.sleep(60)
    """
    with subprocess.Popen(program(body), stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdout is not None
        pid = int(running.stdout.readline().split()[1])
        running.kill()
    Footprint.wait_until(lambda: not is_running(pid))


def test_an_unclosed_client_warns_and_ends_its_runtime(peer: ScriptedPeer) -> None:
    codex = Codex(CodexConfig(launch_args_override=peer.argv))
    native = codex._runtime.connection.native
    with pytest.warns(ResourceWarning, match="with"):
        del codex
    assert native.wait(20)


def test_nothing_is_left_of_a_client(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:  # what a process sets up once is not a leak
        codex.models()
    before = Footprint.settled()
    for _ in range(3):
        with Codex(model.config()) as codex:
            codex.thread_start().run("Hi")
    Footprint.take().assert_no_more_than(before)


def test_a_command_of_a_turn_finds_the_packaged_tools(model: OfflineModel) -> None:
    look = "for %p in (rg.exe) do @echo %~$PATH:p" if sys.platform == "win32" else "command -v rg; echo $PATH"
    model.reset([Answer(shell(look, login=False)), Answer("done")])
    with Codex(model.config()) as codex:
        codex.thread_start(sandbox=Sandbox.full_access).run("Where is ripgrep?")
        first = resolve(model.config()).env["PATH"].split(os.pathsep)[0]
    assert str(Path(first, "rg")) in model.requests[-1].tool_outputs[0]


@pytest.mark.parametrize("wanted", [None, 2000])
def test_a_command_of_a_turn_has_the_limit_of_open_files_that_was_asked_for(
    model: OfflineModel, wanted: int | None
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    model.reset([Answer(shell("ulimit -Sn", login=False)), Answer("done")])
    config = model.config() if wanted is None else model.config(max_open_files=wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        with Codex(config) as codex:
            codex.thread_start().run("How many files?")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    expected = min(wanted or 8192, hard) if hard >= 0 else wanted or 8192
    assert re.search(rf"^{expected}$", model.requests[-1].tool_outputs[0], re.MULTILINE)


def test_a_slow_consumer_loses_deltas_and_is_told_but_the_result_is_whole(peer: ScriptedPeer) -> None:
    config = CodexConfig(launch_args_override=peer.argv, turn_budget_bytes=100_000)
    with Codex(config) as codex:
        peer.answers["thread/start"] = {"thread": {"id": "t"}}
        peer.answers["turn/start"] = started("u")
        thread = codex.thread_start()
        turn = thread.turn("go")
        item = {"id": "i", "type": "agentMessage", "text": "all of it"}
        peer.send(*[delta("t", "u", "x" * 100)] * 2000)
        peer.send(
            event("item/completed", "t", "u", item=item, completedAtMs=1), event("turn/completed", "t", "u")
        )
        native = codex._runtime.connection.native
        Footprint.wait_until(lambda: native.stats()["turns_routed"] == 0)
        assert native.stats()["mailbox_bytes"] < 100_000
        with pytest.raises(StreamOverflowError, match="include_turns=True") as caught:
            list(turn.stream())
        assert caught.value.lost_events == native.stats()["events_lost"] == 2000
        assert (caught.value.thread_id, caught.value.turn_id) == ("t", "u")


def test_a_result_does_not_mind_the_loss(peer: ScriptedPeer) -> None:
    config = CodexConfig(launch_args_override=peer.argv, turn_budget_bytes=100_000)
    with Codex(config) as codex:
        peer.answers["thread/start"] = {"thread": {"id": "t"}}
        peer.answers["turn/start"] = started("u")
        turn = codex.thread_start().turn("go")
        item = {"id": "i", "type": "agentMessage", "text": "all of it"}
        peer.send(*[delta("t", "u", "x" * 100)] * 2000)
        peer.send(
            event("item/completed", "t", "u", item=item, completedAtMs=1), event("turn/completed", "t", "u")
        )
        Footprint.wait_until(lambda: codex.stats()["turns_routed"] == 0)
        assert turn.run().final_response == "all of it"


@pytest.mark.parametrize("mine", ["turn-0", "turn-30", "turn-99"])
def test_a_result_that_may_lack_items_says_so(peer: ScriptedPeer, mine: str) -> None:
    # More turns of the thread than are kept, all before the answer that says which one is this program's.
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex, ThreadPoolExecutor(1) as threads:
        peer.answers["thread/start"] = {"thread": {"id": "t"}}
        running = threads.submit(codex.thread_start().run, "go")
        request = peer.expect("turn/start")
        for turn_id in (f"turn-{number}" for number in range(31)):
            item = {"id": "i", "type": "agentMessage", "text": "all of it"}
            peer.send(
                event("turn/started", "t", turn_id),
                event("item/completed", "t", turn_id, item=item, completedAtMs=1),
            )
        peer.answer(request, started(mine))
        peer.send(event("turn/completed", "t", mine))
        if mine == "turn-30":
            assert running.result(30).final_response == "all of it"
        else:
            with pytest.raises(StreamOverflowError, match="include_turns=True"):
                running.result(30)


def test_the_largest_mailbox_gives_way_when_all_together_hold_too_much(peer: ScriptedPeer) -> None:
    config = CodexConfig(launch_args_override=peer.argv, total_budget_bytes=400_000)
    with Codex(config) as codex:
        turns = {}
        for name, count in (("large", 3000), ("small", 100)):
            peer.answers["thread/start"] = {"thread": {"id": f"t-{name}"}}
            peer.answers["turn/start"] = started(name)
            turns[name] = codex.thread_start().turn("go")
            peer.send(*[delta(f"t-{name}", name, "x" * 100)] * count)
        peer.send(*(event("turn/completed", f"t-{name}", name) for name in turns))
        Footprint.wait_until(lambda: codex.stats()["turns_routed"] == 0)
        assert len(list(turns["small"].stream())) == 101
        with pytest.raises(StreamOverflowError):
            list(turns["large"].stream())


# A look at the open ones opens one itself.
@pytest.mark.parametrize("left", [-1, 2], ids=["none", "too few"])
def test_no_descriptors_left_is_an_error_that_names_the_limit(left: int) -> None:
    body = f"""
        import resource
        from codex_app_server.errors import DescriptorLimitError
        from codex_app_server import CodexConfig
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + {left}, hard))
        try:
            Codex(CodexConfig(launch_args_override=("/bin/cat",)))
        except DescriptorLimitError as error:
            print(error)
    """
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert re.search(r"limit", done.stdout), (done.stdout, done.stderr)
    assert issubclass(DescriptorLimitError, OSError)


def in_forked_child(use: Callable[[], object]) -> None:
    """Expect that a forked child is told that nothing of this client is its own. It has ten seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks with threads
        pid = os.fork()
    if pid == 0:  # pragma: no cover - the child's coverage is not collected
        signal.alarm(10)
        try:
            use()
        except ForkedProcessError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_forked_child_is_refused_whatever_lock_another_thread_holds(peer: ScriptedPeer) -> None:
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex, ThreadPoolExecutor(1) as threads:
        peer.answers |= {"thread/start": {"thread": {"id": "t"}}, "turn/start": started("u")}
        stream = codex.thread_start().turn("go").stream()
        reading = threads.submit(next, stream)
        Footprint.wait_until(lambda: stream._cursor._begun)  # it is inside of the lock
        in_forked_child(lambda: next(stream))
        peer.send(event("turn/started", "t", "u"))
        assert reading.result(20).method == "turn/started"


def test_a_forked_child_can_close_a_client_that_another_thread_initialises(peer: ScriptedPeer) -> None:
    client = CodexClient(CodexConfig(launch_args_override=peer.argv))
    client.start()
    del peer.answers["initialize"]
    with ThreadPoolExecutor(1) as threads:
        initialising = threads.submit(client.initialize)
        request = peer.expect("initialize")

        def close_and_go_on() -> None:
            client.close()
            client.model_list()

        in_forked_child(close_and_go_on)
        peer.answer(request, {"userAgent": "peer/1"})
        initialising.result(20)
    client.close()


def test_a_killed_program_takes_its_runtime_along_in_spite_of_a_forked_worker() -> None:
    body = """
        from codex_app_server._native import Connection
        runtime = Connection(["/bin/cat"])
        worker = os.fork()
        if worker == 0:
            time.sleep(60)
            os._exit(0)
        print(runtime.pid, worker, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(program(body), stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdout is not None
        runtime, worker = map(int, running.stdout.readline().split())
        try:
            running.kill()
            Footprint.wait_until(lambda: not is_running(runtime))
            assert is_running(worker)
        finally:
            kill(worker)


def test_a_forked_child_may_exit_normally(peer: ScriptedPeer) -> None:
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        peer.answers["model/list"] = {"data": []}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks with threads
            pid = os.fork()
        if pid == 0:  # pragma: no cover
            try:
                codex.models()
            except Exception as error:
                os._exit(0 if "fork" in str(error) else 2)
            os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert codex.models().data == []


ENDINGS = 20

DAEMONS = """
    import asyncio
    from codex_app_server import CodexConfig
    config = CodexConfig(env=dict(zip(sys.argv[1::2], sys.argv[2::2])))
    clients = []

    def run():
        clients[0].thread_start().run("go")

    async def run_async():
        async with AsyncCodex(config) as codex:
            clients.append(codex)
            threads = [await codex.thread_start() for _ in range(2)]
            await asyncio.gather(*(thread.run("go") for thread in threads))

    clients.append(Codex(config))
    threads = [run] * 3 + [lambda: asyncio.run(run_async())] * 2
    for one in threads:
        threading.Thread(target=one, daemon=True).start()
    while len(clients) < 3 or sum(client.stats()["turns_routed"] for client in clients) < 7:
        time.sleep(0.01)
"""


# A client per ending, of which each takes most of a processor's second.
@pytest.mark.timeout(300)
def test_a_program_whose_daemon_threads_wait_for_turns_ends_without_a_word(model: OfflineModel) -> None:
    model.hold()
    env = [part for pair in model.env.items() for part in pair]

    def end(_: int) -> tuple[int, str]:
        done = subprocess.run(
            [*program(DAEMONS), *env], capture_output=True, text=True, timeout=50, check=False
        )
        return done.returncode, done.stderr

    with ThreadPoolExecutor(2) as pool:
        bad = [ending for ending in pool.map(end, range(ENDINGS)) if ending != (0, "")]
    # The end of the text says what it was.
    assert not bad, f"{len(bad)} of {ENDINGS}: {Counter((code, text[-200:]) for code, text in bad)}"


LETTING_GO = """
    from codex_app_server import CodexConfig
    config = CodexConfig(env=dict(zip(sys.argv[1::2], sys.argv[2::2])))
    codex = Codex(config)

    def stream():
        for event in codex.thread_start().turn("go").stream():
            pass

    def run_on_a_client_of_its_own():
        Codex(config).thread_start().run("go")

    for one in (stream, run_on_a_client_of_its_own):
        threading.Thread(target=one, daemon=True).start()
"""


def test_what_a_daemon_thread_lets_go_of_in_the_end_says_nothing(model: OfflineModel) -> None:
    model.hold()
    env = [part for pair in model.env.items() for part in pair]
    command = program(LETTING_GO + "    sys.stdin.read()\n")
    with subprocess.Popen(
        [*command, *env], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        model.wait_for_requests(2)
        said = child.communicate()
    assert (child.returncode, *said) == (0, b"", b"")


LOGGED = """
        import logging
        class Told(logging.Handler):
            def emit(self, record):
                print(record.getMessage()[:200], flush=True)
        wire = logging.getLogger("codex_app_server.wire")
        wire.setLevel(logging.DEBUG)
"""


def test_lines_that_wait_for_the_wire_log_are_logged_when_the_interpreter_exits() -> None:
    body = f"""{LOGGED}
        last = threading.Event()
        class Slow(Told):
            def emit(self, record):
                last.wait(10)
                super().emit(record)
        wire.addHandler(Slow())
        # What is to be done in the end is done in the order in which it was said. The model's directory, with
        # what the runtime has open there, is removed after that.
        model = OfflineModel().__enter__()
        from codex_app_server._concurrency import interpreter_exit
        interpreter_exit.at_end(last.set)
        codex = Codex(model.config())
        codex.models()
        interpreter_exit.at_end(lambda: print("end", flush=True))
    """
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "model/list" in done.stdout
    assert done.stdout.endswith("\nend\n")
    assert "Traceback" not in done.stderr


def test_a_handler_of_the_wire_log_that_never_returns_does_not_hold_the_exit_up() -> None:
    body = f"""{LOGGED}
        class Stuck(Told):
            def emit(self, record):
                threading.Event().wait()
        wire.addHandler(Stuck())
        with OfflineModel() as model, Codex(model.config()) as codex:
            codex.models()
        # It would wait for the handler's lock itself.
        import atexit
        atexit.unregister(logging.shutdown)
        print("end", flush=True)
    """
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


# Its stderr has no end, and it goes on when it is asked to end.
NOISY = r"""
import os, signal, sys, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def speak():
    while True:
        os.write(2, b"x\n")
threading.Thread(target=speak, daemon=True).start()
sys.stdin.readline()
print(os.environ["ANSWER"], flush=True)
time.sleep(30)
"""


@pytest.mark.parametrize("closes", [True, False])
def test_stderr_is_told_to_nobody_while_the_interpreter_ends(closes: bool) -> None:
    body = f"""
        from codex_app_server import CodexConfig
        told, ended = [], threading.Event()
        def on_stderr(line):
            if ended.is_set():
                os.write(2, b"late")
            told.append(line)
            # Many more wait meanwhile.
            ended.wait(20)
        config = CodexConfig(
            launch_args_override={python(NOISY)!r},
            env={{"ANSWER": '{{"id":1,"result":{{"userAgent":"a/0.163.0"}}}}'}},
            on_stderr=on_stderr,
            shutdown_grace_s=0.2,
        )
        # The last that is registered is the first that is done.
        threading._register_atexit(ended.set)
        codex = Codex(config)
        while not told:
            time.sleep(0.01)
        if {closes}:
            codex.close()
    """
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_a_forked_child_has_a_wire_log_of_its_own() -> None:
    body = f"""{LOGGED}
        from codex_app_server._logs import wire as wire_log
        wire.addHandler(Told())
        with OfflineModel() as model, Codex(model.config()) as codex:
            codex.models()
            pid = os.fork()
            if pid == 0:
                wire.setLevel(logging.INFO)
                wire.setLevel(logging.DEBUG)
                with Codex(model.config()) as own:
                    own.account()
                wire_log._log.end()
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            codex.thread_list()
    """
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=50, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    asked = dict(re.findall(r'^(\d+) -> .*"method":"(account/read|thread/list)"', done.stdout, re.MULTILINE))
    assert sorted(asked.values()) == ["account/read", "thread/list"], done.stdout
