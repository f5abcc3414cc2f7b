"""Log in with a key, ask for the account, log out."""

from codex_app_server import Codex, CodexConfig

with Codex(CodexConfig(config_overrides=('model_provider="openai"',))) as codex:
    print(codex.account().account)
    codex.login_api_key("sk-not-a-key")
    account = codex.account().account
    print(account.root.type if account else None)
    codex.logout()
    print(codex.account().account)
