"""Questions of the agent: `python -m examples.questions.sync`."""

import dataclasses

from codex_app_server import Codex, CodexConfig
from codex_app_server.requests import ServerRequest, UserInputRequest

PROMPT = "Name my boat. Ask me first what kind of boat she is."


def on_request(request: ServerRequest) -> None:
    """Choose the first of what is offered, where a person would be asked."""
    if not isinstance(request, UserInputRequest):
        request.refuse()
        return
    answers = {}
    for question in request.questions:
        labels = [option.label for option in question.options or ()]
        print(question.question, labels)
        answers[question.id] = labels[0] if labels else "I do not know."
    request.answer(answers)


def main(config: CodexConfig | None = None) -> None:
    """Let the agent ask before it works."""
    config = config or CodexConfig()
    # Without this feature the agent can ask in plan mode only.
    features = {**config.features, "default_mode_request_user_input": True}
    with Codex(dataclasses.replace(config, features=features), on_request=on_request) as codex:
        print(codex.thread_start().run(PROMPT).final_response)


if __name__ == "__main__":
    main()
