"""A thousand answers open at once, in a program whose soft limit is 1,024 descriptors."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.alone

# The program holds a thousand sockets of its own, so both ends are put to the test at once.
_PROGRAM = """
import asyncio, resource
import aiohttp
from codex_app_server.testing import Answer, Message, OfflineModel

COUNT = 1000
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

async def ask(session, url, number):
    body = {"input": [{"role": "user", "content": f"prompt {number}"}], "stream": True}
    async with session.post(f"{url}/responses", json=body) as response:
        return await response.text()

async def main():
    script = {f"prompt {n}": Answer(Message([f"<{n}.{i}>" for i in range(20)])) for n in range(COUNT)}
    async with OfflineModel(script) as model:
        model.hold()
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
            asking = [asyncio.create_task(ask(session, model.base_url, n)) for n in range(COUNT)]
            await model.wait_for_requests_async(COUNT, timeout_s=50)
            assert not any(task.done() for task in asking)
            assert model.release() == COUNT
            for n, text in enumerate(await asyncio.gather(*asking)):
                assert text.count("response.output_text.delta\\n") == 20, text
                assert all(f"<{n}.{i}>" in text for i in range(20)), text
        assert sorted(r.prompt for r in model.requests) == sorted(script)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1024

asyncio.run(main())
print("all thousand")
"""


def test_a_thousand_held_streams_fit_beside_a_program_with_a_thousand_descriptors() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        timeout=55,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("all thousand\n", "", 0)
