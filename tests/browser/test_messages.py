"""A hostile message in a real browser: it loads nothing, leads nowhere, runs nothing."""

import socket
from collections.abc import Iterator

import pytest
from django.utils import timezone

from mailqueue.models import Message
from panel.models import User
from tests.browser.conftest import Visit
from tests.panel.conftest import Submit

pytestmark = pytest.mark.browser

HOSTILE = """
<link rel="stylesheet" href="{there}/a.css"><link rel="preconnect" href="{there}">
<link rel="dns-prefetch" href="{there}"><link rel="prefetch" href="{there}/b">
<meta http-equiv="refresh" content="0;url={there}/c"><base href="{there}/">
<style>@import url({there}/d.css); @font-face {{ font-family: x; src: url({there}/e.woff) }}
a, body {{ font-family: x; background: url({there}/f.png) }}
a, x-a {{ display: block; position: absolute; inset: 0 }}</style>
<img src="{there}/g.png" srcset="{there}/h.png 2x"><video poster="{there}/i.png" src="{there}/j">
</video><object data="{there}/k"></object><embed src="{there}/l"><iframe src="{there}/m"></iframe>
<script src="{there}/n.js"></script><script>fetch("{there}/o")</script>
<svg><image href="{there}/p.png"/><use href="{there}/q.svg#x"/></svg>
<input type="image" src="{there}/r.png"><table background="{there}/s.png"></table>
<img src="x" onerror="top.location='{there}/t'">
<a href="{there}/u" target="_top" ping="{there}/v">a large link</a>
"""


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """A server of somebody else: whoever connects to it can be seen in its backlog."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def nobody_came(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return True
    return False


@pytest.mark.parametrize("place", ["", "html/"], ids=["in the page", "by itself"])
def test_a_hostile_message_reaches_nobody(
    visit: Visit, owner: User, submit: Submit, elsewhere: socket.socket, place: str
) -> None:
    there = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
    html = HOSTILE.format(there=there).replace("\n", "\r\n")
    content = f"Content-Type: text/html\r\n\r\n{html}\r\n".encode()
    submit(timezone.now(), content=content, size_bytes=len(content))
    queue_id = Message.objects.get().queue_id
    address = f"/web/hosting/boutique.example/scripts-emails/messages/{queue_id}/{place}"

    page = visit(owner)
    page.goto(address)
    if not place:
        page.locator("iframe").scroll_into_view_if_needed()
        box = page.locator("iframe").bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    else:
        page.mouse.click(300, 300)
    page.wait_for_timeout(1500)
    assert nobody_came(elsewhere)
    assert page.url.endswith(address)
    # What the policy stopped is told on the console.
    assert any("Content Security Policy" in error for error in visit.errors)
    visit.errors.clear()


def test_the_server_of_somebody_else_would_be_reached(
    visit: Visit, elsewhere: socket.socket
) -> None:
    page = visit(None)
    there = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
    page.set_content(f'<img src="{there}/a.png">', wait_until="commit")
    page.wait_for_timeout(1500)
    visit.errors.clear()
    assert not nobody_came(elsewhere)
