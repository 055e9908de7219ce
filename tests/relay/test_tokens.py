"""Whose mail it is: the Unix user's own account, or that of a token made for this user."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from mailqueue import accounts, tokens
from mailqueue.models import AccountToken, HostingAccount, Message, Recipient, RefusedCall
from relay import arguments, identity
from relay.identity import Caller, Refused, Why
from relay.intake import Answer, Handover, Intake
from tests.relay.test_sendmail import COMMAND, DIALOGUE
from tests.support import php
from tests.support.loop import run
from tests.support.relaying import Relay, relay
from tests.support.waiting import eventually

UID = os.getuid()
NOW = datetime.fromisoformat("2026-03-11T10:30:00+00:00")
MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"

Make = Callable[..., str]


@pytest.fixture
def own(transactional_db: None) -> HostingAccount:
    """The account of our own Unix user."""
    return accounts.create("own.example", NOW, uid=UID)


@pytest.fixture
def blog(transactional_db: None) -> HostingAccount:
    """An account that has tokens only."""
    return accounts.create("blog.example", NOW)


@pytest.fixture
def make(blog: HostingAccount) -> Make:
    def made(uid: int | None = UID) -> str:
        return tokens.make(blog.pk, "blog", "admin", NOW, uid=uid)[1]

    return made


@pytest.fixture
def desk(transactional_db: None) -> Iterator[Relay]:
    with relay() as new:
        yield new


def take(*calls: tuple[str, ...], uid: int = UID) -> list[Answer]:
    async def work() -> Sequence[Answer]:
        desk = Intake(lambda: NOW)
        handovers = [
            Handover(uid, tuple(word.encode() for word in call), MESSAGE, Message.Origin.SOCKET)
            for call in calls
        ]
        try:
            return await asyncio.gather(*(desk.hand_over(one) for one in handovers))
        finally:
            await desk.finish()

    return list(run(work()))


def senders() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("account__service_name", flat=True))


def test_a_token_says_whose_mail_it_is_and_without_one_it_is_the_users_own(
    own: HostingAccount, make: Make
) -> None:
    take(("-t", f"--token={make()}"))
    take(("-t",))
    assert senders() == ["blog.example", "own.example"]
    assert AccountToken.objects.get().last_used_at == NOW


def test_both_kinds_of_callers_share_a_commit(own: HostingAccount, make: Make) -> None:
    answers = take(("-t", f"--token={make()}"), ("-t",), ("-t", "--token=fct_x"))
    assert [answer.exit_code for answer in answers] == [0, 0, 77]
    assert sorted(senders()) == ["blog.example", "own.example"]


@pytest.mark.parametrize("token", ["", "fct_unknown", "é"])
def test_an_unknown_token_is_refused_though_the_user_has_an_account(
    own: HostingAccount, token: str
) -> None:
    [answer] = take(("-t", f"--token={token}"))
    assert (answer.code, answer.status, answer.exit_code) == (550, "5.7.1", 77)
    assert not Message.objects.exists()


def test_a_token_of_another_user_or_of_none_does_not_count(make: Make) -> None:
    for uid in (UID + 1, None):
        [answer] = take(("-t", f"--token={make(uid)}"))
        assert (answer.code, answer.exit_code) == (550, 77)
    assert not Message.objects.exists()
    assert not AccountToken.objects.exclude(last_used_at=None).exists()


def test_a_revoked_token_does_not_count(make: Make) -> None:
    plain = make()
    tokens.revoke(AccountToken.objects.get(), NOW)
    [answer] = take(("-t", f"--token={plain}"))
    assert (answer.code, answer.exit_code) == (550, 77)


def test_a_closed_account_is_told_so_and_a_stranger_as_before(
    own: HostingAccount, make: Make, blog: HostingAccount
) -> None:
    plain = make()
    for account in (own, blog):
        accounts.close(account.pk, "admin", NOW)
    for call in (("-t",), ("-t", f"--token={plain}"), ("-bp",)):
        [answer] = take(call)
        assert (answer.code, answer.status, answer.exit_code) == (550, "5.7.1", 77)
        assert "closed" in answer.text
    [stranger] = take(("-t",), uid=UID + 1)
    assert stranger.exit_code == 67
    accounts.reopen(own.pk)
    assert take(("-t",))[0].exit_code == 0
    assert Recipient.objects.get().status == "held"


def test_the_first_token_counts(own: HostingAccount, make: Make) -> None:
    """What a script adds comes after what the administrator wrote."""
    take(("-t", f"--token={make()}", "--token=fct_x"))
    assert senders() == ["blog.example"]


def test_a_token_lists_the_queue_of_its_account(own: HostingAccount, make: Make) -> None:
    plain = make()
    take(("-t", f"--token={plain}"))
    assert "you@example.org" in take(("-bp", f"--token={plain}"))[0].lines[0]
    assert take(("-bp",))[0].lines == ("Mail queue is empty",)
    assert take(("-bp", "--token=fct_x"))[0].exit_code == 77


def test_without_a_token_one_query_tells_whose_mail_it_is(own: HostingAccount, make: Make) -> None:
    plain = identity.caller(UID, make().encode())
    for callers, number in (
        ([Caller(UID), Caller(UID + 1)], 1),
        # The second one notes the use.
        ([plain], 2),
        ([plain], 1),
        ([plain, Caller(UID)], 2),
    ):
        with CaptureQueriesContext(connection) as captured:
            identity.accounts_of(callers, NOW + timedelta(seconds=5))
        assert len(captured) == number, callers


def test_it_says_what_account_a_refusal_concerns(blog: HostingAccount, make: Make) -> None:
    known, unknown = identity.caller(UID + 1, make().encode()), Caller(UID, "x")
    assert identity.accounts_of([known, unknown], NOW) == {
        known: Refused(Why.BAD_TOKEN, blog.pk),
        unknown: Refused(Why.BAD_TOKEN),
    }


@pytest.mark.parametrize("words", ["--token={}", "--token:{}", "--token {}", "--Token={}"])
def test_the_token_stands_in_no_line_of_the_log_and_in_no_answer(
    words: str, make: Make, blog: HostingAccount, caplog: pytest.LogCaptureFixture
) -> None:
    plain = make()
    with caplog.at_level(logging.DEBUG):
        for uid in (UID, UID + 1):
            for rest in (["-t"], ["-z"]):
                for answer in take((*words.format(plain).split(), *rest), uid=uid):
                    assert plain not in repr(answer)
    assert caplog.messages
    assert plain not in caplog.text
    handover = Handover(UID, (plain.encode(),), b"", Message.Origin.SOCKET)
    assert plain not in repr(handover)
    assert plain not in repr(arguments.parse([f"--token={plain}".encode()]))


# --- as a command


def test_the_command_takes_a_token_and_says_why_it_does_not_count(desk: Relay, make: Make) -> None:
    assert desk.call("-t", "-i", f"--token={make()}", message=MESSAGE).returncode == 0
    assert senders() == ["blog.example"]
    refused = desk.call("--token=fct_x", "-t", message=MESSAGE)
    assert refused.returncode == 77
    assert refused.stderr == (
        b"sendmail: the token is unknown or revoked, or not for this Unix user\n"
    )


def test_php_sends_with_a_token(desk: Relay, make: Make) -> None:
    script = '<?php var_dump(mail("you@example.org", "s", "b"));'
    good, bad = (Path(f"{desk.sendmail} --token={token}") for token in (make(), "fct_x"))
    assert php.run(script, good, desk.folder).stdout == "bool(true)\n"
    assert php.run(script, bad, desk.folder).stdout == "bool(false)\n"
    assert senders() == ["blog.example"]


def test_the_maildrop_keeps_the_token_of_a_call(
    desk: Relay, make: Make, own: HostingAccount
) -> None:
    good, gone = make(), make()
    desk.stop()
    for token in (good, gone):
        assert desk.call("-t", f"--token={token}", message=MESSAGE).returncode == 0
    tokens.revoke(AccountToken.objects.order_by("-pk")[0], NOW)
    desk.start()
    assert desk.look() == 2
    assert senders() == ["blog.example"]
    assert "token" in RefusedCall.objects.get().reason
    assert desk.kept() == []


def test_with_bs_the_token_counts_too(desk: Relay, make: Make, own: HostingAccount) -> None:
    result = desk.call("-bs", f"--token={make()}", message=DIALOGUE)
    codes = [line[:3] for line in result.stdout.splitlines() if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert senders() == ["blog.example"]
    for token in ("fct_x", "", "a\r\nQUIT", "x" * 2000):
        result = desk.call("-bs", f"--token={token}", message=DIALOGUE)
        codes = [line[:3] for line in result.stdout.splitlines() if line[3:4] == b" "]
        assert codes == [b"220", b"250", b"250", b"250", b"354", b"550", b"221"], token
    assert senders() == ["blog.example"]


def test_a_closed_account_is_refused_over_smtp(desk: Relay, own: HostingAccount) -> None:
    accounts.close(own.pk, "admin", NOW)
    result = desk.call("-bs", message=DIALOGUE)
    assert b"550 5.7.1 this hosting account is closed" in result.stdout


def test_one_connection_cannot_change_its_token(
    desk: Relay, make: Make, own: HostingAccount
) -> None:
    words = b"XTOKEN %b\r\nXTOKEN fct_x\r\n" % make().encode()
    desk.say(words + DIALOGUE, lines=12)
    eventually(lambda: senders() == ["blog.example"])


WORDS = st.sampled_from(["--token=a", "--token=b", "-f", "-t", "-fx", "--", "a@b.example", "-bs"])


@given(st.lists(WORDS, max_size=6))
def test_the_command_finds_the_token_that_the_relay_finds(words: list[str]) -> None:
    found = arguments.parse([word.encode() for word in words if word != "-bs"])
    token = COMMAND["token_of"]([word for word in words if word != "-bs"])
    if isinstance(found, arguments.Options):
        assert token == (None if found.token is None else found.token.decode())
