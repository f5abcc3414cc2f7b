"""The server's own limit of descriptors, of which every stream takes one."""

from __future__ import annotations

import os
import resource

from codex_app_server.testing import OfflineModel
from tests.processes import descendants


def test_the_server_lifts_its_own_descriptor_limit_and_not_its_owners() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    others = descendants(os.getpid())
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        with OfflineModel():
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, before[1])
            (server,) = descendants(os.getpid()) - others
            assert resource.prlimit(server, resource.RLIMIT_NOFILE)[0] > 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
