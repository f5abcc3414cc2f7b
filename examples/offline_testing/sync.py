"""A program and its tests, offline: `python -m examples.offline_testing.sync`, or with pytest.

In a project of one's own the first part would be the program and the second part a file of tests.
"""

from codex_app_server import Codex, TurnFailedError
from codex_app_server.testing import Answer, FunctionCall, OfflineModel, ResponseFailure


def headline(codex: Codex, article: str) -> str:
    """The program: a headline for an article, at most 40 characters long."""
    thread = codex.thread_start(ephemeral=True)
    try:
        answer = thread.run(f"Write a headline for this:\n{article}").final_response or ""
        while len(answer) > 40:
            answer = thread.run("Shorter, please: at most 40 characters.").final_response or ""
    except TurnFailedError:
        return "(untitled)"
    return answer


def test_asks_again_when_the_headline_is_too_long() -> None:
    # One answer for each request of the runtime, in order.
    with OfflineModel(["A headline that goes on and on and never quite ends", "Fog Lifts"]) as model:
        with Codex(model.config()) as codex:
            assert headline(codex, "This morning …") == "Fog Lifts"
        # What the runtime sent to the model.
        assert "at most 40 characters" in model.requests[-1].prompt


def test_a_failing_model_leaves_the_article_untitled() -> None:
    failure = Answer("A head", ResponseFailure("server_error"))
    with OfflineModel(failure) as model, Codex(model.config()) as codex:
        assert headline(codex, "This morning …") == "(untitled)"


def test_the_runtime_really_runs_the_tools_that_the_model_calls() -> None:
    call = Answer(FunctionCall("exec_command", {"cmd": "echo ahoy"}))
    with OfflineModel([call, "The Shell Says Ahoy"]) as model:
        with Codex(model.config()) as codex:
            assert headline(codex, "Look into the shell.") == "The Shell Says Ahoy"
        assert "ahoy" in model.requests[-1].tool_outputs[0]


def main() -> None:
    """Run the tests, as pytest would."""
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print(f"passed: {name}")


if __name__ == "__main__":
    main()
