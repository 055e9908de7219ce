import email
import os
from datetime import datetime
from pathlib import Path

import pytest

from mailqueue.bounces import Category, classify_report
from mailqueue.models import SimulatedMessage
from mailqueue.outcomes import Outcome, Result
from relay.client import Connection, Envelope, connect
from relay.routes import Route
from relay.simulator import complaint, serve
from tests.support.loop import run

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"Subject: =?utf-8?q?=C3=89t=C3=A9?=\r\n\r\n.\r\nbody \xe9\r\n"


@pytest.fixture
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "simulator.sock"


def send(socket: Path, now: datetime, *recipients: str, content: bytes = CONTENT) -> list[Outcome]:
    async def work() -> list[Outcome]:
        async with serve(socket, lambda: now):
            connection = await connect(Route.to("simulator", socket), "me.test")
            assert isinstance(connection, Connection)
            answers = await connection.deliver(Envelope("a@boutique.example", recipients, content))
            connection.quit()
            return answers

    return run(work())


def test_it_keeps_a_message_byte_for_byte(socket: Path, now: datetime) -> None:
    [answer] = send(socket, now, "client@example.org")
    assert (answer.result, answer.host) == (Result.DELIVERED, "simulator")
    kept = SimulatedMessage.objects.get()
    assert bytes(kept.content) == CONTENT
    assert (kept.sender, kept.recipients) == ("a@boutique.example", ["client@example.org"])
    assert (kept.subject, kept.received_at) == ("Été", now)


def test_it_takes_utf8_addresses(socket: Path, now: datetime) -> None:
    [answer] = send(socket, now, "bücher@example.org")
    assert answer.result is Result.DELIVERED
    assert SimulatedMessage.objects.get().recipients == ["bücher@example.org"]


@pytest.mark.parametrize(
    ("local", "result", "status"),
    [
        ("bounce", Result.FAILED, "5.1.1"),
        ("Bounce+order-7", Result.FAILED, "5.1.1"),
        ("bounce-full", Result.FAILED, "5.2.2"),
        ("bounce-data", Result.FAILED, "5.7.1"),
        ("defer", Result.DEFERRED, "4.7.1"),
        ("DEFER+x+y", Result.DEFERRED, "4.7.1"),
        ("bouncer", Result.DELIVERED, "2.0.0"),
    ],
)
def test_its_special_addresses_behave(
    socket: Path, now: datetime, local: str, result: Result, status: str
) -> None:
    [answer] = send(socket, now, f"{local}@any.example")
    assert (answer.result, answer.status) == (result, status)
    assert SimulatedMessage.objects.count() == (result is Result.DELIVERED)


def test_a_special_address_leaves_the_others_alone(socket: Path, now: datetime) -> None:
    answers = send(socket, now, "defer@example.org", "client@example.org", "bounce@example.org")
    assert [answer.status for answer in answers] == ["4.7.1", "2.0.0", "5.1.1"]
    assert SimulatedMessage.objects.get().recipients == ["client@example.org"]


def test_a_complaint_comes_back_as_a_feedback_report(socket: Path, now: datetime) -> None:
    [answer] = send(socket, now, "complain+x@example.org")
    assert answer.result is Result.DELIVERED
    message, report = SimulatedMessage.objects.order_by("pk")
    assert bytes(message.content) == CONTENT
    assert (report.sender, report.recipients) == ("", ["a@boutique.example"])
    parsed = email.message_from_bytes(bytes(report.content))
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "feedback-report"
    parts = list(parsed.walk())
    assert [part.get_content_type() for part in parts] == [
        "multipart/report",
        "text/plain",
        "message/feedback-report",
        "text/plain",
        "message/rfc822",
        "text/plain",
    ]
    assert "Original-Rcpt-To: <complain+x@example.org>" in bytes(report.content).decode("latin-1")
    assert parts[-1]["Subject"] == "=?utf-8?q?=C3=89t=C3=A9?="
    assert CONTENT in bytes(report.content)


def test_nobody_complains_to_the_null_sender(socket: Path, now: datetime) -> None:
    async def work() -> None:
        async with serve(socket, lambda: now):
            connection = await connect(Route.to("simulator", socket), "me.test")
            assert isinstance(connection, Connection)
            await connection.deliver(Envelope("", ("complain@example.org",), CONTENT))
            connection.quit()

    run(work())
    assert SimulatedMessage.objects.get().sender == ""


def test_it_announces_and_enforces_its_size(socket: Path, now: datetime, settings: object) -> None:
    settings.MESSAGE_SIZE_LIMIT = 1000  # type: ignore[attr-defined]
    [answer] = send(socket, now, "client@example.org", content=b"x" * 66_600 + b"\r\n")
    assert (answer.result, answer.status) == (Result.FAILED, "5.3.4")


def test_it_keeps_a_message_of_the_full_size(socket: Path, now: datetime) -> None:
    content = b"Subject: large\r\n\r\n" + (b"x" * 75 + b"\r\n") * 136_000
    assert len(content) > 10_485_760 - 100_000
    [answer] = send(socket, now, "client@example.org", content=content)
    assert answer.result is Result.DELIVERED
    assert bytes(SimulatedMessage.objects.get().content) == content


@pytest.mark.parametrize(
    "subject", [b"=?x?q?a?=", b"=?utf-8?b?!!!?=", b"\xff\xfe", b"=?utf-8?q?=00=0a?=", b""]
)
def test_it_keeps_a_message_whatever_its_subject(
    socket: Path, now: datetime, subject: bytes
) -> None:
    send(socket, now, "client@example.org", content=b"Subject: " + subject + b"\r\n\r\nx\r\n")
    assert SimulatedMessage.objects.get().subject.isprintable()


def test_only_its_own_user_can_reach_it(socket: Path, now: datetime) -> None:
    async def work() -> int:
        async with serve(socket, lambda: now):
            return os.stat(socket).st_mode & 0o777

    assert run(work()) == 0o600
    assert not socket.exists()


def test_a_complaint_holds_the_whole_message(now: datetime) -> None:
    assert CONTENT in complaint("a@example.com", "b@example.org", CONTENT, now)


def test_a_delivery_comes_back_later_as_a_report(socket: Path, now: datetime) -> None:
    [answer] = send(socket, now, "bounce-later@example.org")
    assert answer.result is Result.DELIVERED
    report = SimulatedMessage.objects.order_by("-pk").first()
    assert report is not None
    (found,) = classify_report(bytes(report.content))
    assert (found.recipient, found.category) == ("bounce-later@example.org", Category.USER_UNKNOWN)
    assert found.hard
