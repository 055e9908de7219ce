"""The return path on the wire is ours, where there is a bounce domain."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from mailqueue import return_path
from mailqueue.queue import Claimed
from mailqueue.return_tokens import Purpose, Token
from relay import envelopes


def claimed(number: int, now: datetime, sender: str = "site@boutique.example") -> Claimed:
    return Claimed(
        recipient_id=number,
        message_id=1,
        account_id=1,
        queue_id="ABC",
        sender=sender,
        address=f"client{number}@example.org",
        domain="example.org",
        tries=0,
        accepted_at=now,
        deadline=now,
        claim="c",
    )


@pytest.fixture
def bounce_domain(settings: Any) -> str:
    settings.BOUNCE_DOMAIN = "back.example"
    return "back.example"


def test_without_a_bounce_domain_the_author_s_own_goes_out_for_many(now: datetime) -> None:
    group = [claimed(number, now) for number in range(1, 61)]
    first, second = envelopes.transactions(group)
    assert (len(first), len(second)) == (50, 10)
    assert envelopes.envelope_of(first, b"", now).sender == "site@boutique.example"


def test_with_one_each_recipient_has_its_own(now: datetime, bounce_domain: str) -> None:
    group = [claimed(number, now) for number in (7, 8)]
    jobs = [*envelopes.transactions(group)]
    assert [len(job) for job in jobs] == [1, 1]
    for job in jobs:
        envelope = envelopes.envelope_of(job, b"content", now)
        assert envelope.recipients == (job[0].address,)
        token = return_path.whose(envelope.sender.upper(), now)
        assert token == Token(Purpose.RETURN, job[0].recipient_id, now)


def test_the_null_sender_stays_null(now: datetime, bounce_domain: str) -> None:
    group = [claimed(number, now, sender="") for number in (7, 8)]
    (job,) = envelopes.transactions(group)
    assert envelopes.envelope_of(job, b"", now).sender == ""


def test_only_our_domain_and_our_secrets_count(
    now: datetime, bounce_domain: str, settings: Any
) -> None:
    address = return_path.of_recipient(7, now)
    assert return_path.whose(address.replace("@", "@x."), now) is None
    assert return_path.whose(address.partition("@")[0], now) is None
    assert return_path.whose(address, now + timedelta(days=30)) is None
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    assert return_path.whose(address, now) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert return_path.whose(address, now) is not None
    settings.BOUNCE_DOMAIN = ""
    assert return_path.whose(address, now) is None
    assert return_path.of_recipient(7, now) == ""


def test_a_case_has_an_address_only_where_somebody_listens(
    now: datetime, bounce_domain: str, settings: Any
) -> None:
    assert return_path.of_case(3, now) == ""
    settings.BOUNCE_LISTEN = [("127.0.0.1", 25, False)]
    token = return_path.whose(return_path.of_case(3, now), now)
    assert token == Token(Purpose.CASE, 3, now)
