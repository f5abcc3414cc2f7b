"""What the documents say is true: their code runs, their signatures and tables are those of the package.

Code runs on the offline model, through the environment, so that `Codex()` in a document needs no change. A
block after `<!-- not run: reason -->` is left out.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import logging
import os
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

import pytest
from markdown_it import MarkdownIt

import codex_app_server
from codex_app_server import Codex, CodexConfig, TurnResult, async_client, client, errors, requests, tools
from codex_app_server._output_types import rules
from codex_app_server._output_types.output_type import output_type_of
from codex_app_server.testing import OfflineModel
from examples.offline import respond
from scripts.release.links import path_of, targets
from scripts.release.project import Project
from tests.leaks import Footprint

PROJECT = Project.read()
ROOT = Path(__file__).resolve().parents[2]
# docs/testing.md is run by the tests of the offline model.
PAGES = sorted(
    {ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples/README.md", *ROOT.glob("docs/*.md")}
    - {ROOT / "docs/testing.md"}
)
RESULTS = (ROOT / "docs/structured-results.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/api-reference.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- not run: (?P<reason>[^>]*?) -->\n+)?^```python\n(?P<code>.*?)^```$", re.M | re.S)


def blocks() -> Iterator[Any]:
    """The code that is run, by its page, its heading, and its place below that: texts above it may grow."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        below: Counter[str] = Counter()
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start("code"))
            *_, heading = (page.stem, *re.findall(r"^##+ (.+)$", text[: found.start()], re.M))
            below[heading] += 1
            if found["reason"] is None:
                # Leading line breaks make the lines of a traceback those of the document.
                name = f"{page.name}: {heading}, {below[heading]}"
                yield pytest.param(page, "\n" * line + found["code"], id=name)
            else:
                assert found["reason"].strip(), f"{page.name}:{line + 1}: say why it is not run"


@pytest.fixture(scope="module")
def model() -> Iterator[OfflineModel]:
    before = Footprint.settled()
    with OfflineModel(respond) as model:
        yield model
    Footprint.take().assert_no_more_than(before)  # after all documents, not only after the model


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """The levels of the package's loggers, which documents set, are put back."""
    loggers = [logging.getLogger("codex_app_server" + name) for name in ("", ".requests", ".wire")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.fixture
def nobody() -> Iterator[TextIO]:
    """A keyboard at which nobody sits."""
    with open(os.devnull, encoding="utf-8") as stdin:
        yield stdin


@pytest.mark.parametrize(("page", "code"), list(blocks()))
def test_code_in_a_document_runs(
    page: Path, code: str, model: OfflineModel, nobody: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in model.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(model.workspace)
    monkeypatch.setattr("sys.stdin", nobody)
    namespace: dict[str, Any] = {"__name__": "document"}
    if "Codex(" in code:
        exec(compile(code, page, "exec", dont_inherit=True), namespace)  # noqa: S102
    else:
        with Codex() as codex:
            namespace.update(codex=codex, thread=codex.thread_start())
            exec(compile(code, page, "exec", dont_inherit=True), namespace)  # noqa: S102
            namespace.clear()


def test_python_code_is_marked_so_that_it_is_found() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        kinds = re.findall(r"^```(\w*)\n.*?^```$", text, re.M | re.S)
        assert set(kinds) <= {"python", "py", "sh", "text"}, page
        assert kinds.count("python") == len(BLOCK.findall(text)), page


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files of the repository that a page leads to, by relative links or by its public address."""
    for link in targets(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        inside = path_of(path, PROJECT)
        if inside is not None:
            yield ROOT / inside, anchor
        elif not path.startswith(("http:", "https:")):
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists()
        assert not anchor or anchor in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_has_an_address(page: Path) -> None:
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        for part in token.children or ():
            # A link without an address, and an address in the midst of a list, stay texts.
            assert part.type != "text" or not re.search(r"\]\[|\]: ", part.content)


def signatures() -> Iterator[Any]:
    for stub in re.findall(r"^```py\n(.*?)^```$", REFERENCE, re.M | re.S):
        for node in ast.parse(stub).body:
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    assert isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
                    yield pytest.param(node.name, method, id=f"{node.name}.{method.name}")
            elif isinstance(node, ast.FunctionDef):
                yield pytest.param(None, node, id=node.name)


def named(name: str) -> Any:
    """A class or function, from the package or from a module of its own."""
    modules = (codex_app_server, client, async_client, requests, tools)
    return next(getattr(module, name) for module in modules if hasattr(module, name))


@pytest.mark.parametrize(("owner", "stub"), list(signatures()))
def test_signature_in_the_reference_is_that_of_the_code(owner: str | None, stub: ast.FunctionDef) -> None:
    # Requests and tools have no twin: one class for both clients.
    home = next((each for each in (requests, tools) if {owner, stub.name} & {*each.__all__}), None)
    own = home is not None
    holders: list[Any] = [home or codex_app_server]
    if owner is not None:
        holders = [named(owner)] if own else [named(owner), named(f"Async{owner}")]
    for holder in holders:
        # What is iterated is closed by aclose() in the async form.
        real = getattr(holder, stub.name, None) or getattr(holder, f"a{stub.name}")
        if isinstance(real, property):
            continue
        parameters = inspect.signature(real).parameters
        keyword_only = [name for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY]
        several = [stub.args.vararg] if stub.args.vararg else []
        told = stub.args.posonlyargs + stub.args.args + several + stub.args.kwonlyargs
        assert [each.arg for each in told] == list(parameters)
        assert [each.arg for each in stub.args.kwonlyargs] == keyword_only
        spelled = [*stub.args.defaults, *stub.args.kw_defaults]
        defaults = [ast.unparse(each) for each in spelled if each is not None]
        given = [each.default for each in parameters.values() if each.default is not inspect.Parameter.empty]
        assert [eval(each, vars(codex_app_server)) for each in defaults] == given  # noqa: S307


@pytest.mark.parametrize(
    "owner",
    [
        "ChatgptLoginHandle",
        "Codex",
        "CodexClient",
        "CommandHandle",
        "DeviceCodeLoginHandle",
        "FsWatch",
        "FuzzyFileSearch",
        "GoalHandle",
        "NotificationStream",
        "ProcessHandle",
        "Requests",
        "Thread",
        "TurnHandle",
    ],
)
def test_every_public_method_is_in_the_reference(owner: str) -> None:
    described = {case.values[1].name for case in signatures() if case.values[0] == owner}
    fields = {"id", "thread_id", "login_id", "auth_url", "verification_url", "user_code"}
    # What a program makes by itself has its constructor there.
    made = {"__init__"} if owner == "Codex" else set()
    assert described == {name for name in dir(named(owner)) if name[0] != "_"} - fields | made


@pytest.mark.parametrize(
    "owner", sorted(name for name in requests.__all__ if isinstance(getattr(requests, name), type))
)
def test_every_request_is_in_the_reference(owner: str) -> None:
    kind = getattr(requests, owner)
    described = {case.values[1].name for case in signatures() if case.values[0] in ("ServerRequest", owner)}
    properties = {
        name
        for name in dir(kind)
        if isinstance(inspect.getattr_static(kind, name), (property, cached_property))
    }
    public = {name for name in dir(kind) if name[0] != "_"} - properties - {"kind", "deadline_s"}
    assert public <= described
    attributes = set(
        re.findall(r"\w+", REFERENCE.split("## Requests of the runtime")[1].split("## Errors")[0])
    )
    assert {name for name in properties if name[0] != "_"} - attributes == set()


def test_every_exported_name_is_in_the_reference() -> None:
    words = set(re.findall(r"\w+", REFERENCE))
    twins = {name for name in codex_app_server.__all__ if name.startswith("Async")}
    assert set(codex_app_server.__all__) - words - twins == {"__version__"}


def test_every_name_of_tools_is_in_the_reference() -> None:
    section = REFERENCE.split("## Tools\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.M)
    assert sorted(re.findall(r"\w+", " ".join(rows))) == sorted(tools.__all__)


def table(headings: str) -> dict[str, list[str]]:
    """The rows of the table whose headings begin like this, by the name in their first cell."""
    found = re.search(rf"^{re.escape(headings)}.*\n\|[-|]+\n((?:\|.*\n)+)", REFERENCE, re.M)
    assert found
    rows = [re.split(r" (?<!\\)\| ", row.strip("| \n")) for row in found[1].splitlines()]
    return {row[0].strip("`"): row for row in rows}


def test_the_table_of_the_configuration_has_every_field_and_default() -> None:
    rows = table("| field | default |")
    config = CodexConfig()
    assert list(rows) == [each.name for each in dataclasses.fields(CodexConfig)]
    sizes = {
        "256 MiB": 256 * 2**20,
        "512 MiB": 512 * 2**20,
        "1 GiB": 2**30,
        "64 KiB": 64 * 2**10,
        "the SDK's": config.client_version,
    }
    for name, row in rows.items():
        told = sizes[row[1]] if row[1] in sizes else ast.literal_eval(row[1].strip("`"))
        assert told == getattr(config, name), name


def test_the_table_of_the_result_has_every_field() -> None:
    section = REFERENCE.split("## Results")[1].split("## Inputs")[0]
    told = [
        name for row in re.findall(r"^\| (`.+?) \|", section, re.M) for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(told) == sorted(each.name for each in dataclasses.fields(TurnResult))


def test_the_tree_of_errors_is_that_of_the_code() -> None:
    assert errors.__doc__
    tree = textwrap.dedent(errors.__doc__.split("::\n\n")[1].split("\n\n")[0])
    assert f"```text\n{tree}\n```" in REFERENCE


def test_the_schema_in_the_document_is_the_one_that_is_sent() -> None:
    told = re.search(
        r"```python\n(((?!```).)*)^```\n\nthis is sent:\n\n```text\n(.*?)```", RESULTS, re.M | re.S
    )
    assert told
    namespace: dict[str, Any] = {"__name__": "document"}
    exec(compile(told[1].split("print(")[0], "document", "exec", dont_inherit=True), namespace)  # noqa: S102
    assert json.loads(told[3]) == output_type_of(namespace["Berth"]).schema


def test_the_limits_in_the_document_are_those_of_the_rules() -> None:
    told = RESULTS.split("## Limits")[1].split("## Other")[0]
    numbers = re.findall(r"^\|.* \| ([\d,]+) \|$", told, re.M)
    assert [int(number.replace(",", "")) for number in numbers] == [
        rules.MOST_PROPERTIES,
        rules.MOST_LEVELS,
        rules.MOST_ENUM_VALUES,
        rules.MOST_CHARACTERS,
        rules.MOST_CHARACTERS_OF_A_LARGE_ENUM,
    ]
    assert f"more than {rules.LARGE_ENUM} " in told
    assert rules.__doc__
    dates = {re.findall(r"\d{4}-\d\d-\d\d", text)[0] for text in (told, rules.__doc__)}
    assert len(dates) == 1
    formats = re.findall(r"^\| the formats (.*?) \|", RESULTS, re.M)[0]
    assert set(re.findall(r"`([\w-]+)`", formats)) == rules.FORMATS


def test_the_version_is_in_the_changelog() -> None:
    assert f"## [{codex_app_server.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
