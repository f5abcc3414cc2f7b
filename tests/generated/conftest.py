"""The runtime's schema, printed once per run."""

from __future__ import annotations

import pytest

from tests.generated.samples import Schema, print_schema


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Schema]:
    """Every definition of the runtime, the experimental ones included."""
    return print_schema(tmp_path_factory.mktemp("experimental"), "--experimental")


@pytest.fixture(scope="session")
def stable_definitions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Schema]:
    """The definitions that the official SDK's models were made from."""
    return print_schema(tmp_path_factory.mktemp("stable"))


@pytest.fixture(scope="session")
def methods(definitions: dict[str, Schema]) -> dict[str, dict[str, Schema]]:
    """The params schema of each method, by the union that has it."""
    return {
        union: {
            variant["properties"]["method"]["enum"][0]: variant["properties"]["params"]
            for variant in definitions[union]["oneOf"]
        }
        for union in ("ServerNotification", "ClientRequest", "ServerRequest")
    }
