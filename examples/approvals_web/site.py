"""A page on which a person approves what the agent wants to do.

Owns who may see and answer: a link that works once is exchanged for a cookie, every answer carries a token
that only the page has, and only this address is answered to. It knows requests by their tokens alone, so it
serves `Codex` and `AsyncCodex` alike. `sync` and `async` run it.
"""

from __future__ import annotations

import secrets
import socket
from html import escape
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from codex_app_server import AsyncCodex, Codex, RequestNotFoundError, RequestSettledError
from examples.approvals.wish import APPROVALS, Approval, Wish

BUTTONS = {
    "accept": "Approve",
    "grant": "Approve",
    "accept_for_session": "Approve in this thread",
    "decline": "Decline",
}
COOKIE = "approvals"
LONGEST_BODY = 4096
STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #8881; --go: #1a7f4b; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin: 0 0 .6rem; }
article { border: 1px solid var(--line); border-radius: .7rem; padding: 1.1rem 1.2rem; margin: 1rem 0; }
pre { background: var(--soft); border-radius: .4rem; padding: .7rem .8rem; margin: .6rem 0; font-size: .85rem;
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 20rem; overflow-y: auto; }
p { margin: .4rem 0; }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .9rem; }
button { font: inherit; padding: .35rem .9rem; border-radius: .4rem; border: 1px solid var(--line);
  background: none; color: inherit; cursor: pointer; }
button[value=accept], button[value=grant] { background: var(--go); border-color: var(--go); color: #fff; }
"""
HEADERS = {
    # No script, no picture, no frame; forms lead back here. (With "no-referrer", a browser would not say
    # where a form comes from.)
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Html(str):
    """What is HTML already. Everything else is escaped by `tag`."""

    __slots__ = ()


def tag(name: str, /, *inner: str, **attributes: str) -> Html:
    """An element; its texts and attributes are escaped."""
    told = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    body = "".join(each if isinstance(each, Html) else escape(each) for each in inner)
    return Html(f"<{name}{told}>" if name == "input" else f"<{name}{told}>{body}</{name}>")


class Site:
    """The page, on a port of this machine that nobody else has.

    Args:
        codex: Whose requests it shows.
    """

    def __init__(self, codex: Codex | AsyncCodex) -> None:
        self._codex = codex
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._origin = f"http://{self._host}"
        self._key: str | None = secrets.token_urlsafe(32)
        # The one visitor's cookie, and the token of the forms that this visitor has.
        self._session: str | None = None
        self._form_token = secrets.token_urlsafe(32)
        routes = [
            Route("/enter/{key}", self._enter),
            Route("/", self._show),
            Route("/answer", self._answer, methods=["POST"]),
        ]
        # Without a log of its own: the link must not be in it.
        config = uvicorn.Config(
            Starlette(routes=routes),
            ws="none",
            lifespan="off",
            log_level="error",
            proxy_headers=False,
            loop="asyncio",
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)

    @property
    def link(self) -> str:
        """The link for the one visitor. It works once."""
        return f"{self._origin}/enter/{self._key}"

    async def serve(self) -> None:
        """Serve until `server.should_exit`."""
        await self.server.serve([self._socket])

    def run(self) -> None:
        """The same, for a thread."""
        self.server.run([self._socket])

    # --- who may come in

    async def _enter(self, request: Request) -> Response:
        # A look ahead (HEAD) does not use the link up.
        is_visit = request.method == "GET" and self._is_addressed(request)
        if not is_visit or not _same(request.path_params["key"], self._key):
            return _page("This link does not work (any more).", status=403)
        self._key, self._session = None, secrets.token_urlsafe(32)
        answer = RedirectResponse("/", status_code=303, headers=HEADERS)
        answer.set_cookie(COOKIE, self._session, httponly=True, samesite="strict")
        return answer

    def _is_addressed(self, request: Request) -> bool:
        # Another name that leads to 127.0.0.1 is somebody's trick.
        return request.headers.get("host") == self._host

    def _is_known(self, request: Request) -> bool:
        return self._is_addressed(request) and _same(request.cookies.get(COOKIE), self._session)

    # --- what there is to see and to do

    async def _show(self, request: Request) -> Response:
        if not self._is_known(request):
            return _page("Use the link that the program has printed.", status=403)
        cards = [self._card(each) for each in self._codex.pending_requests() if isinstance(each, APPROVALS)]
        if cards:
            return _page(*cards)
        # Reloaded only while there is nothing to read.
        return _page(tag("p", "Nothing to decide. This page looks again every two seconds."), reload=True)

    def _card(self, request: Approval) -> Html:
        wish = Wish.of(request)
        text = "\n".join(wish.lines) or "This page cannot show it."
        notes = [tag("p", note) for note in wish.notes]
        hidden = {"request": request.token, "form": self._form_token}
        fields = [tag("input", type="hidden", name=name, value=value) for name, value in hidden.items()]
        buttons = [tag("button", BUTTONS[each], name="answer", value=each) for each in wish.answers]
        form = tag("form", *fields, *buttons, method="post", action="/answer")
        return tag("article", tag("h2", f"May it {wish.title}?"), tag("pre", text), *notes, form)

    async def _answer(self, request: Request) -> Response:
        if not self._is_known(request) or request.headers.get("origin") != self._origin:
            return _page("Use the page to answer.", status=403)
        if int(request.headers.get("content-length") or LONGEST_BODY) >= LONGEST_BODY:
            return _page("That is too long.", status=413)
        fields = parse_qs((await request.body()).decode(errors="replace"))
        form = {name: values[0] for name, values in fields.items()}
        if not _same(form.get("form"), self._form_token):
            return _page("Use the page to answer.", status=403)
        trouble, status = self._give(form.get("request", ""), form.get("answer", ""))
        return _page(trouble, status=status) if trouble else RedirectResponse("/", 303, HEADERS)

    def _give(self, token: str, answer: str) -> tuple[str, int]:
        """Answer a request; returns what stands against that, and its status."""
        try:
            asked = self._codex.pending_request(token)
            if not isinstance(asked, APPROVALS) or answer not in Wish.of(asked).answers:
                return "That is no answer to this.", 400
            getattr(asked, answer)()
        except RequestNotFoundError:
            return "That needs no answer any more.", 404
        except RequestSettledError as late:  # between the two
            return str(late), 409
        return "", 303


def _same(given: str | None, expected: str | None) -> bool:
    """Whether two secrets are the same, in a time that tells nothing. There is no secret None."""
    return expected is not None and secrets.compare_digest((given or "").encode(), expected.encode())


def _page(*inner: str, status: int = 200, reload: bool = False) -> Response:
    title = "Approvals"
    head = [
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width">'),
        tag("title", title),
    ]
    if reload:
        head.append(Html('<meta http-equiv="refresh" content="2">'))
    body = [each if isinstance(each, Html) else tag("p", each) for each in inner]
    if status != 200:
        body.append(tag("p", tag("a", "To what is open", href="/")))
    html = tag(
        "html", tag("head", *head, tag("style", Html(STYLE))), tag("body", tag("h1", title), *body), lang="en"
    )
    return HTMLResponse(f"<!doctype html>{html}", status, HEADERS)
