"""The runtime's private surroundings: directories, `config.toml`, and the environment that keeps the user's
own out.

`OfflineModel` makes one and removes it; when its program was killed, the server's process removes it. Nothing
here starts anything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# Beside the provider: what would leave the machine (plugins and apps fetch catalogues at start, analytics
# reports), what would never end (connection errors are retried without bound), and a shell per thread that
# costs 0.28 s.
_CONFIG = """\
model_provider = "offline"
check_for_update_on_startup = false

[model_providers.offline]
name = "Offline model"
base_url = "{base_url}"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[features]
shell_snapshot = false
plugins = false
apps = false
unbounded_connection_retries = false

[analytics]
enabled = false
"""

# A runtime's environment can only be added to, so what would reach it from the user's is set empty, which
# counts as unset.
_EMPTIED: tuple[str, ...] = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "CODEX_API_KEY",
    "CODEX_ACCESS_TOKEN",
    "CODEX_GITHUB_PERSONAL_ACCESS_TOKEN",
    "CODEX_EXEC_SERVER_URL",
    "CODEX_CA_CERTIFICATE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "RUST_LOG",
)


# The runtime of a killed owner ends by itself some 0.5 s later, and until then makes again what it misses. So
# the directory itself stays, emptied, until nothing has come into it for a while.
_LEGACY_QUIET_S = 2.0
_LEGACY_PATIENCE_S = 15.0
_LEGACY_PAUSE_S = 0.05
# On Windows a file that somebody has open cannot be removed, and what scans or indexes files opens new ones
# for a moment.
_REMOVE_PATIENCE_S = 5.0 if os.name == "nt" else 0.0
_REMOVE_PAUSE_S = 0.05


@dataclass(frozen=True)
class Legacy:
    """A directory that outlives a killed owner, known by what it is and not by its name alone."""

    path: str
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Legacy:
        status = os.lstat(path)
        return cls(str(path), status.st_dev, status.st_ino)

    def remove(self) -> None:
        """Remove the directory, and nothing that has taken its name; links in it are not followed."""
        started = changed = time.monotonic()
        while self._is_there():
            now = time.monotonic()
            if now - changed > _LEGACY_QUIET_S or now - started > _LEGACY_PATIENCE_S:
                shutil.rmtree(self.path, ignore_errors=True)
                return
            if self._empty():
                changed = now
            time.sleep(_LEGACY_PAUSE_S)

    def _empty(self) -> bool:
        """Remove what is inside; whether there was anything."""
        with contextlib.suppress(OSError), os.scandir(self.path) as scan:
            entries = list(scan)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)
            return bool(entries)
        return False

    def _is_there(self) -> bool:
        try:
            return Legacy.of(Path(self.path)) == self
        except OSError:
            return False


class PrivateHome:
    """A temporary directory with the runtime's home, the user's home, a directory for temporary files and an
    empty workspace.

    Args:
        base_url: Where the provider is, ending in `/v1`.
    """

    def __init__(self, base_url: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="codex-offline-")
        root = Path(self._directory.name).resolve()
        self.legacy = Legacy.of(root)
        self.codex_home = root / "codex"
        self.workspace = root / "workspace"
        self._home = root / "home"
        # The runtime refuses a home inside the directory for temporary files, so it gets one of those beside
        # it.
        self._temporary = root / "tmp"
        for directory in (self.codex_home, self.workspace, self._home, self._temporary):
            directory.mkdir()
        (self.codex_home / "config.toml").write_text(_CONFIG.format(base_url=base_url), encoding="utf-8")

    @property
    def env(self) -> dict[str, str]:
        """What to add to the runtime's environment."""
        env: dict[str, str] = dict.fromkeys(_EMPTIED, "")
        env["NO_PROXY"] = env["no_proxy"] = "127.0.0.1"
        if os.name == "nt":
            # There both are one variable, of which a program that sets one name would lose to the other.
            env = {name: value for name, value in env.items() if name.isupper()}
        env["CODEX_HOME"] = env["CODEX_SQLITE_HOME"] = str(self.codex_home)
        env["CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG"] = "1"
        # On Windows, programs that come from elsewhere look at the second first.
        for name in ("USERPROFILE", "HOME") if os.name == "nt" else ("HOME",):
            env[name] = str(self._home)
        for name in ("TEMP", "TMP") if os.name == "nt" else ("TMPDIR",):
            env[name] = str(self._temporary)
        return env

    def remove(self) -> None:
        """Remove everything.

        Raises:
            OSError: Something in it is in use, and stays so.
        """
        deadline = time.monotonic() + _REMOVE_PATIENCE_S
        while True:
            try:
                self._directory.cleanup()
            except OSError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_REMOVE_PAUSE_S)
            else:
                return
