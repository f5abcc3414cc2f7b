"""`import openai_codex` gives this package: each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

CASES = {
    "every module is one object under both names": """
        import importlib, pkgutil
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        import openai_codex
        assert openai_codex is codex_app_server
        names = ["codex_app_server", *(
            found.name for found in pkgutil.walk_packages(codex_app_server.__path__, "codex_app_server.")
        )]
        assert len(names) > 40
        for name in names:
            other = name.replace("codex_app_server", "openai_codex")
            assert importlib.import_module(other) is importlib.import_module(name), name
            assert sys.modules[other] is sys.modules[name]
            assert sys.modules[name].__name__ == sys.modules[name].__spec__.name == name
            assert sys.modules[name].__spec__.loader is not None
            assert sys.modules[name].__file__ == sys.modules[name].__spec__.origin
        """,
    "a module is found whichever name comes first": """
        import codex_app_server.types
        codex_app_server.install_as_openai_codex()
        from openai_codex.types import Turn
        from openai_codex import retry, errors, CodexError
        import codex_app_server.retry
        assert Turn is codex_app_server.types.Turn
        assert retry is codex_app_server.retry
        assert errors.CodexError is CodexError
        """,
    "the official distribution may be installed, and none of it is imported": """
        import importlib.metadata
        assert importlib.metadata.version("openai-codex")
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        import openai_codex.client, openai_codex._inputs
        official = [m for m in sys.modules.values() if "/openai_codex/" in str(getattr(m, "__file__", ""))]
        assert official == []
        """,
    "it is cheap": """
        import codex_app_server
        before = set(sys.modules)
        codex_app_server.install_as_openai_codex()
        assert set(sys.modules) - before == {"openai_codex"}
        assert "pydantic" not in sys.modules
        """,
    "again changes nothing": """
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        import openai_codex.types
        finders = list(sys.meta_path)
        codex_app_server.install_as_openai_codex()
        assert sys.meta_path == finders
        """,
    "what does not exist is a module that is not found": """
        import importlib.util
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        for name in ("openai_codex.nothing", "openai_codex.generated.nothing", "openai_codex.types.deeper"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                assert error.name == name
                assert name in str(error)
            else:
                raise AssertionError(name)
        try:
            from openai_codex import nothing
        except ImportError:
            pass
        else:
            raise AssertionError
        assert importlib.util.find_spec("openai_codex_of_another_kind") is None
        assert importlib.util.find_spec("openai_codex.testing").name == "openai_codex.testing"
        """,
    "reload, pickle, copy and inspect work": """
        import copy, importlib, inspect, pickle
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        import openai_codex.types, openai_codex.retry
        from openai_codex.types import TurnError
        error = TurnError(message="x")
        assert pickle.loads(pickle.dumps(error)) == copy.deepcopy(error) == error
        assert b"codex_app_server" in pickle.dumps(error)
        assert "ModelListResponse" in inspect.getsource(openai_codex.types)
        assert inspect.getmodule(openai_codex.retry.retry_on_overload) is openai_codex.retry
        assert importlib.reload(openai_codex.retry) is sys.modules["codex_app_server.retry"]
        assert sys.modules["openai_codex.retry"] is sys.modules["codex_app_server.retry"]
        """,
    "what the official package has pickled is read": """
        import pickle, subprocess
        code = "import pickle, sys; from openai_codex.types import TurnError; "
        code += "sys.stdout.buffer.write(pickle.dumps(TurnError(message='x')))"
        data = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        from codex_app_server.types import TurnError
        assert type(pickle.loads(data)) is TurnError
        """,
    "resources are found": """
        import importlib.resources
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        assert importlib.resources.files("openai_codex").joinpath("py.typed").is_file()
        """,
    "it is refused after the official package": """
        import openai_codex.errors
        import codex_app_server
        finders = list(sys.meta_path)
        for _ in range(2):
            try:
                codex_app_server.install_as_openai_codex()
            except codex_app_server.AlreadyImportedError as error:
                assert isinstance(error, RuntimeError)
                assert isinstance(error, codex_app_server.CodexError)
                assert "start of the program" in str(error)
            else:
                raise AssertionError
        assert sys.meta_path == finders
        assert openai_codex.errors.CodexError is not codex_app_server.CodexError
        """,
    "many threads import at once and all get the same": """
        import importlib, threading
        import codex_app_server
        names = ["openai_codex", "openai_codex.types", "openai_codex.generated.v2_all", "openai_codex.models",
                 "openai_codex.retry", "openai_codex.testing", "codex_app_server.testing",
                 "codex_app_server.types", "openai_codex.generated.requests"]
        sys.setswitchinterval(1e-6)
        start, seen, wrong = threading.Barrier(24), {}, []

        def work(number):
            start.wait()
            try:
                codex_app_server.install_as_openai_codex()
                for name in names[number % 9:] + names[:number % 9]:
                    module = importlib.import_module(name)
                    key = name.replace("openai_codex", "codex_app_server")
                    if seen.setdefault(key, module) is not module:
                        wrong.append(name)
            except BaseException as error:
                wrong.append(repr(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not wrong, wrong
        assert len(seen) == 7
        for name, module in seen.items():
            assert sys.modules[name] is module
            assert module.__spec__.name == name
        """,
    "a program that cannot be edited runs": """
        import codex_app_server
        codex_app_server.install_as_openai_codex()
        from openai_codex import Codex, CodexConfig, Sandbox
        from openai_codex.generated.v2_all import TurnStatus
        from openai_codex.testing import OfflineModel
        with OfflineModel() as model, Codex(model.config()) as codex:
            assert isinstance(model.config(), CodexConfig)
            result = codex.thread_start(sandbox=Sandbox.read_only).run("Hi")
            assert result.status is TurnStatus.completed
        """,
}


@pytest.mark.parametrize("case", CASES)
def test_in_place_of_the_official_package(case: str) -> None:
    code = "import sys\n" + textwrap.dedent(CASES[case])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
