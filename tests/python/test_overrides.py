"""Which overrides look like a credential, and what is said of them."""

from __future__ import annotations

import pytest

from codex_app_server._launch.overrides import credential_in, other_way
from codex_app_server._text.messages import redacted_message
from codex_app_server._text.redaction import redacted, redacted_arguments


@pytest.mark.parametrize(
    ("override", "setting"),
    [
        (
            'model_providers.x.experimental_bearer_token="SECRET"',
            "model_providers.x.experimental_bearer_token",
        ),
        ("model_providers.x.experimental_bearer_token=SECRET", "model_providers.x.experimental_bearer_token"),
        ('model_providers.x.http_headers={"X-Api-Key"="SECRET"}', "model_providers.x.http_headers.X-Api-Key"),
        (
            'model_providers.x={name="x", http_headers={ Authorization = "SECRET" }}',
            "model_providers.x.http_headers.Authorization",
        ),
        (
            'model_providers={"a.b"={experimental_bearer_token="SECRET"}}',
            "model_providers.a.b.experimental_bearer_token",
        ),
        ("mcp_servers.x.env={A=\"1\", GITHUB_TOKEN='SECRET'}", "mcp_servers.x.env.GITHUB_TOKEN"),
        ('mcp_servers.x.env.DB_PASSWORD="SECRET"', "mcp_servers.x.env.DB_PASSWORD"),
        (
            'mcp_servers={x={command="c",args=["a"],env={"CLIENT_SECRET"="SECRET"}}}',
            "mcp_servers.x.env.CLIENT_SECRET",
        ),
        ('mcp_servers.x.args=["--key", "ghp_SECRET123456"]', "mcp_servers.x.args"),
        ('mcp_servers.x.http_headers.X="Bearer SECRET"', "mcp_servers.x.http_headers.X"),
        ('mcp_servers.x.url="https://me:SECRET@example.test/mcp"', "mcp_servers.x.url"),
        ('shell_environment_policy.set={API_KEY="SECRET"}', "shell_environment_policy.set.API_KEY"),
        ('anything="sk-proj-SECRET"', "anything"),
        ("anything=sk-proj-SECRET", "anything"),
        ('a.apiKey = "SECRET"', "a.apiKey"),
        ('a.password="""SECRET\n"""', "a.password"),
        ('a.client_secret={v="SECRET"}', "a.client_secret.v"),
        ('mcp_servers.x.args=["--token", "SECRET"]', "mcp_servers.x.args"),
        ('mcp_servers.x.args=["--token=SECRET"]', "mcp_servers.x.args"),
        ('mcp_servers.x.args=["--header", "Authorization: Basic SECRET"]', "mcp_servers.x.args"),
        ('mcp_servers.x.args=["-c", "API_KEY=SECRET run"]', "mcp_servers.x.args"),
        ('mcp_servers.x.url="https://example.test/mcp?api_key=SECRET"', "mcp_servers.x.url"),
        (
            'mcp_servers.x.http_headers={"x-functions-key"="SECRET"}',
            "mcp_servers.x.http_headers.x-functions-key",
        ),
        ("mcp_servers.x.env={JWT='SECRET'}", "mcp_servers.x.env.JWT"),
        ('mcp_servers.x.env.GITHUB_PAT="SECRET"', "mcp_servers.x.env.GITHUB_PAT"),
        (f'a.b="of {"A1b2" * 11}"', "a.b"),
        ('mcp_servers.x.env.DB_PASS="SECRET"', "mcp_servers.x.env.DB_PASS"),
        ('model_providers.x.query_params={code="SECRET"}', "model_providers.x.query_params.code"),
        ('model_providers.x.query_params.key="SECRET"', "model_providers.x.query_params.key"),
        ('a.b="-----BEGIN RSA PRIVATE KEY-----\\nSECRET"', "a.b"),
        ("a.b='''\n-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----'''", "a.b"),
    ],
)
def test_what_looks_like_a_credential_is_named(override: str, setting: str) -> None:
    assert credential_in(override) == setting


@pytest.mark.parametrize(
    "override",
    [
        'model="gpt-5"',
        "model=gpt-5",
        "=",
        "a=",
        "a=}]{",
        "model_auto_compact_token_limit=100000",
        "tools.max_token=100",
        "features.api_key_model_discovery=true",
        "a.api_key=false",
        'a.token=""',
        'model_providers.x.env_key="MY_KEY"',
        'model_providers.x.env_http_headers={Authorization="MY_KEY", "X-Api-Key"="OTHER"}',
        'model_providers.x={env_http_headers={Authorization="MY_KEY"}, name="token"}',
        'mcp_servers.x.bearer_token_env_var="MY_KEY"',
        'mcp_servers.x.env_vars=["GITHUB_TOKEN", "DB_PASSWORD"]',
        'mcp_servers.x.url="https://me@example.test/mcp?a=b"',
        'shell_environment_policy.exclude=["*TOKEN*", "*SECRET*"]',
        'cli_auth_credentials_store="file"',
        'developer_instructions="Never print a password: use password = \\"***\\", or Authorization: none"',
        "developer_instructions=Say that the token=abc is old",
        "instructions='''the api_key = \"x\" of sk-proj-1234 is revoked'''",
        'projects."/srv/secret".trust_level="trusted"',
        'mcp_servers.token.command="serve"',
        'model="accounts/fireworks/models/llama-v3p1-405b-instruct"',
        f'marketplaces.x.ref="{"0123456789abcdef" * 4}"',
        'mcp_servers.x.args=["--header", "Authorization: Bearer ${AUTH_TOKEN}"]',
        'mcp_servers.x.args=["--owner", "alice@example.test"]',
        'model_providers.x.query_params={api-version="2024-10-01"}',
        'a.code="x"',
        'a.ca="-----BEGIN CERTIFICATE-----\\nMIIB"',
    ],
)
def test_what_does_not_look_like_one_is_not(override: str) -> None:
    assert credential_in(override) is None


NAMES = ["apiKey", "X-Api-Key", "OPENAI_KEY", "account_key", "access_token", "DB_PASSPHRASE", "bearer", "JWT"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_hidden_by_its_name_is_so_everywhere(name: str) -> None:
    assert credential_in(f'a.{name}="SECRET"') == f"a.{name}"
    assert "SECRET" not in redacted(f"{name}=SECRET")
    assert redacted_arguments([f"--{name}", "SECRET"])[1] == "[redacted]"
    assert "SECRET" not in redacted_message(f'{{"{name}":"SECRET"}}')


@pytest.mark.parametrize(
    ("setting", "way"),
    [
        ("model_providers.x.experimental_bearer_token", "'model_providers.x.env_key=\"MY_KEY\"'"),
        ("model_providers.x.http_headers.X-Key", "'model_providers.x.env_http_headers.X-Key=\"MY_KEY\"'"),
        (
            "mcp_servers.x.http_headers.Authorization",
            "'mcp_servers.x.env_http_headers.Authorization=\"MY_KEY\"'",
        ),
        ("mcp_servers.x.bearer_token", "'mcp_servers.x.bearer_token_env_var=\"MY_KEY\"'"),
        (
            "mcp_servers.x.env.GITHUB_TOKEN",
            "GITHUB_TOKEN in CodexConfig.env, and override 'mcp_servers.x.env_vars=",
        ),
        ("mcp_servers.x.args", "'mcp_servers.x.env_vars=[\"MY_KEY\"]'"),
        ("mcp_servers.x.url", "thread_start(config=…)"),
        ("anything", "thread_start(config=…)"),
    ],
)
def test_another_way_is_named_for_each_kind(setting: str, way: str) -> None:
    assert way in other_way(setting)
