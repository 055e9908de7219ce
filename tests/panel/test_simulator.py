"""The simulator's mailbox."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailqueue import simulator
from mailqueue.models import SimulatedMessage
from panel.models import User
from panel.views.simulator import SHOWN_BYTES
from tests.panel.conftest import Browse


def _store(now: datetime, subject: str = "Bonjour", content: bytes = b"x\r\n") -> SimulatedMessage:
    return simulator.store("site@boutique.example", ["a@example.org"], subject, content, now)


def test_it_lists_the_newest_first(browse: Browse, administrator: User, now: datetime) -> None:
    _store(now, "Premier")
    _store(now + timedelta(minutes=1), "Second")
    text = browse(administrator).get("/simulator/").content.decode()
    assert text.index("Second") < text.index("Premier")
    assert "a@example.org" in text


def test_it_explains_the_special_addresses(browse: Browse, administrator: User) -> None:
    text = browse(administrator).get("/simulator/").content.decode()
    for name in ("bounce", "bounce-full", "bounce-data", "defer", "complain"):
        assert f"<code>{name}@…</code>" in text
    assert "Aucun message n’est encore arrivé." in text


def test_a_message_is_shown_as_text(browse: Browse, administrator: User, now: datetime) -> None:
    content = "Subject: <b>é</b>\r\n\r\n<script>alert(1)</script>\0\xff\r\n".encode("latin-1")
    stored = _store(now, "<b>é</b>", content)
    text = browse(administrator).get(f"/simulator/{stored.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert "\0" not in text


def test_a_long_message_is_cut_and_says_so(
    browse: Browse, administrator: User, now: datetime
) -> None:
    stored = _store(now, content=b"x" * SHOWN_BYTES + b"END")
    text = browse(administrator).get(f"/simulator/{stored.pk}/").content.decode()
    assert "Le message est plus long" in text
    assert "END" not in text


@pytest.mark.parametrize("number", ["7", "9" * 18, "9" * 19, "x"])
def test_a_message_that_there_is_not(browse: Browse, administrator: User, number: str) -> None:
    assert browse(administrator).get(f"/simulator/{number}/").status_code == 404


def test_it_comes_in_pages(browse: Browse, administrator: User, now: datetime) -> None:
    for _ in range(30):
        _store(now)
    client = browse(administrator)
    assert "Page 1 sur 2" in client.get("/simulator/").content.decode()
    last = client.get("/simulator/", {"page": "2"}).content.decode()
    assert last.count('<th scope="row">') == 5
    for page in ("x", "0", "99", "9" * 30):
        assert client.get("/simulator/", {"page": page}).status_code == 200


def test_it_tells_when_mail_takes_another_route(
    browse: Browse, administrator: User, settings: object
) -> None:
    settings.ROUTE = "smarthost"  # type: ignore[attr-defined]
    text = browse(administrator).get("/simulator/").content.decode()
    assert "plus rien de nouveau n’arrive ici" in text


def test_an_owner_is_not_led_there(browse: Browse, owner: User, administrator: User) -> None:
    assert "/simulator/" not in browse(owner).get("/web/hosting/").content.decode()
    assert "/simulator/" in browse(administrator).get("/web/hosting/").content.decode()


def test_more_messages_make_no_more_queries(
    browse: Browse,
    administrator: User,
    now: datetime,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(administrator)
    _store(now)
    few = queries(lambda: client.get("/simulator/"))
    for _ in range(10):
        _store(now)
    assert queries(lambda: client.get("/simulator/")) == few
