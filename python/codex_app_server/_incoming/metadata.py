"""What the runtime says about itself when it is initialised.

Owns `InitializeResponse` and the reading of `serverInfo` from the user agent, where the runtime puts it.
Imported when a client starts or when a program asks for the models.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ServerInfo(BaseModel):
    """The runtime's name and version."""

    name: str | None = None
    version: str | None = None


class InitializeResponse(BaseModel):
    """What the runtime says about itself. Every field has its wire name and its Python name.

    Example:
        >>> info = InitializeResponse(userAgent="codex/0.163.0 (Linux)").with_server_info()
        >>> info.server_info.name, info.user_agent
        ('codex', 'codex/0.163.0 (Linux)')
    """

    model_config = ConfigDict(extra="allow")

    serverInfo: ServerInfo | None = None
    userAgent: str | None = None
    platformFamily: str | None = None
    platformOs: str | None = None
    codexHome: str | None = None

    @property
    def server_info(self) -> ServerInfo | None:
        return self.serverInfo

    @property
    def user_agent(self) -> str | None:
        return self.userAgent

    @property
    def platform_family(self) -> str | None:
        return self.platformFamily

    @property
    def platform_os(self) -> str | None:
        return self.platformOs

    @property
    def codex_home(self) -> str | None:
        return self.codexHome

    def with_server_info(self) -> InitializeResponse:
        """The same with `serverInfo` filled in from the user agent.

        Raises:
            ValueError: The user agent, the name or the version is missing.
        """
        agent = _text(self.userAgent)
        agent_name, agent_version = _split(agent)
        name = _text(getattr(self.serverInfo, "name", None)) or agent_name
        version = _text(getattr(self.serverInfo, "version", None)) or agent_version
        if not agent or not name or not version:
            raise ValueError(
                "the answer to initialize lacks required metadata "
                f"(user_agent={agent!r}, server_name={name!r}, server_version={version!r})"
            )
        return self.model_copy(
            update={"serverInfo": ServerInfo(name=name, version=version), "userAgent": agent}
        )


def _text(value: object) -> str:
    # A newer runtime may send something else than a text.
    return value.strip() if isinstance(value, str) else ""


def _split(agent: str) -> tuple[str, str]:
    """Name and version of `name/version more` or `name version`; the version is all that follows the name."""
    separator = "/" if "/" in agent else None
    name, *version = agent.split(separator, 1) or [""]
    return name.strip(), version[0].strip() if version else ""
