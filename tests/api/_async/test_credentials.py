"""How the runtime is given a credential: in each way that the docs name, and never on its command line."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import AsyncCodex
from codex_app_server.testing import OfflineModel
from tests.processes import command_line

OFFLINE = "model_providers.offline"
VALUE = "V4LUE-of-mine"


@pytest.fixture
def web() -> Iterator[HTTPServer]:
    """A server that refuses everything, and keeps the headers of what it was asked."""
    told: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append({name.lower(): value for name, value in self.headers.items()})
            self.send_error(500)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.told = told  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("overrides", "env", "config", "header"),
    [
        ((f'{OFFLINE}.env_key="MY_KEY"',), {"MY_KEY": VALUE}, None, ("authorization", f"Bearer {VALUE}")),
        ((f'{OFFLINE}.env_http_headers.X-Key="MY_KEY"',), {"MY_KEY": VALUE}, None, ("x-key", VALUE)),
        ((), {}, {f"{OFFLINE}.experimental_bearer_token": VALUE}, ("authorization", f"Bearer {VALUE}")),
        ((), {}, {f"{OFFLINE}.http_headers": {"X-Key": VALUE}}, ("x-key", VALUE)),
    ],
)
async def test_a_provider_gets_its_credential_and_ps_does_not(
    model: OfflineModel,
    overrides: tuple[str, ...],
    env: dict[str, str],
    config: dict[str, Any] | None,
    header: tuple[str, str],
) -> None:
    async with AsyncCodex(model.config(config_overrides=overrides, env=env)) as codex:
        thread = await codex.thread_start(config=config)
        await thread.run("hello")
        shown = command_line(codex.pid)
    name, value = header
    assert model.requests[0].headers[name] == value
    assert VALUE not in shown
    assert "app-server" in shown


async def test_an_mcp_server_gets_the_variables_that_are_named(model: OfflineModel, tmp_path: Path) -> None:
    told = tmp_path / "told"
    values = "os.environ['MY_KEY'] + ' ' + os.environ.get('OTHER', '-')"
    server = f"import os; open({str(told)!r}, 'w').write({values})"
    overrides = (
        f"mcp_servers.x.command='{sys.executable}'",
        f"mcp_servers.x.args={json.dumps(['-c', server])}",
        'mcp_servers.x.env_vars=["MY_KEY"]',
    )
    env = {"MY_KEY": VALUE, "OTHER": "is not passed on"}
    async with AsyncCodex(model.config(config_overrides=overrides, env=env)) as codex:
        await (await codex.thread_start()).run("hello")
    assert told.read_text() == f"{VALUE} -"


async def test_an_mcp_server_of_the_web_gets_its_token(model: OfflineModel, web: Any) -> None:
    overrides = (
        f'mcp_servers.x.url="http://127.0.0.1:{web.server_port}/mcp"',
        'mcp_servers.x.bearer_token_env_var="MY_KEY"',
        'mcp_servers.x.env_http_headers.X-Key="MY_OTHER"',
    )
    env = {"MY_KEY": VALUE, "MY_OTHER": "also"}
    async with AsyncCodex(model.config(config_overrides=overrides, env=env)) as codex:
        await (await codex.thread_start()).run("hello")
    assert web.told
    assert {(told["authorization"], told["x-key"]) for told in web.told} == {(f"Bearer {VALUE}", "also")}
