"""Tags the wheel with its platform, and refuses any other distribution.

Called by hatchling when a staged tree is built.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PlatformWheel(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            self.app.abort(
                "The runtime has platform wheels only: a source distribution would put one platform's "
                "program on all of them. Build a wheel."
            )
        if not self.config["platform"]:
            self.app.abort(
                "This is the template of the runtime's package, without a program. Stage it first: "
                "python -m scripts.release stage-runtime --help"
            )
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{self.config['platform']}"
