"""Whom a message names, and what an account's rule makes of it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue import headers
from mailqueue.headers import Parsed
from mailqueue.models import SenderPolicy
from mailqueue.senders import Rule
from relay import senders
from relay.senders import Verdict

OWN = frozenset({"boutique.example", "xn--caf-dma.example"})
HOST = "house.test"


def rule(policy: SenderPolicy) -> Rule:
    return Rule(policy, "boutique.example", OWN)


def parsed(head: bytes) -> Parsed:
    found = headers.parse(head + b"\n\nbody\n")
    assert isinstance(found, Parsed)
    return found


def judged(head: bytes, policy: SenderPolicy, sender: str = "") -> Verdict:
    message = parsed(head)
    content = headers.as_sent(message)
    found = senders.judged(senders.authors(message, HOST), content, sender, rule(policy))
    assert isinstance(found, Verdict)
    return found


STRANGE = [
    b"From: ceo@bank.example",
    b"From: a@boutique.example, ceo@bank.example",
    b"From: team: a@boutique.example, ceo@bank.example;",
    b"From: a@boutique.example\nSender: ceo@bank.example",
    b"From: a@boutique.example\nFrom: ceo@bank.example",
    b"From: =?utf-8?q?a=40boutique=2Eexample?=",
    b'From: "a@boutique.example" <ceo@bank.example>',
    b"From: ceo@bank.example (a@boutique.example)",
    b"From: <ceo@boutique.example@bank.example>",
    b"From: ceo@xboutique.example",
    b"From: ceo@boutique.example.org",
    b"From: root",
    b"From: a b@boutique.example",
    b"FROM : ceo@bank.example",
]
OWNED = [
    b"From: a@boutique.example",
    b"From: A <a@WWW.Boutique.Example>",
    b"From: =?utf-8?q?ceo=40bank=2Eexample?= <a@boutique.example>",
    b"From: team: a@boutique.example, b@boutique.example;",
    "From: a@café.example".encode(),
    b"From: a@xn--caf-dma.example",
    b"From: nobody:;",
    b"From:",
    b"Subject: no author",
    b"From: a@boutique.example\nReply-To: ceo@bank.example",
]


@pytest.mark.parametrize("head", STRANGE)
def test_a_stranger_is_seen(head: bytes) -> None:
    assert judged(head, SenderPolicy.WARN).stranger is not None
    assert judged(head, SenderPolicy.REFUSE).is_refused
    assert judged(head, SenderPolicy.ALLOW).stranger is None


@pytest.mark.parametrize("head", OWNED)
def test_who_is_of_the_account_is_none(head: bytes) -> None:
    content = headers.as_sent(parsed(head))
    for policy in SenderPolicy:
        assert judged(head, policy) == Verdict(content)


@pytest.mark.parametrize("policy", [SenderPolicy.ALLOW, SenderPolicy.WARN])
@pytest.mark.parametrize("head", STRANGE)
def test_to_allow_or_warn_changes_nothing(head: bytes, policy: SenderPolicy) -> None:
    assert judged(head, policy).content == headers.as_sent(parsed(head))


@pytest.mark.parametrize(
    ("before", "sender", "after"),
    [
        (
            b"From: Le PDG <ceo@bank.example>",
            "www@boutique.example",
            b'From: "Le PDG via boutique.example" <www@boutique.example>\n'
            b"To: x@y.example\nReply-To: <ceo@bank.example>",
        ),
        (
            b"From: ceo@bank.example",
            "uid33@house.test",
            b'From: "ceo@bank.example via boutique.example" <noreply@boutique.example>\n'
            b"To: x@y.example\nReply-To: <ceo@bank.example>",
        ),
        (
            b'From: "a \\"b\\"" <a@bank.example>, b@bank.example\nReply-To: z@bank.example',
            "",
            b'From: "a \\"b via boutique.example" <noreply@boutique.example>\n'
            b"Reply-To: z@bank.example\nTo: x@y.example",
        ),
        (
            b"From: a@bank.example, b@bank2.example\nReply-To:\nSender: c@bank.example",
            "",
            b'From: "a@bank.example via boutique.example" <noreply@boutique.example>\n'
            b"To: x@y.example\nReply-To: <a@bank.example>,\n <b@bank2.example>",
        ),
        (
            b"From: a@bank.example\nSender: me@boutique.example\nFrom: b@boutique.example",
            "",
            b'From: "a@bank.example via boutique.example" <noreply@boutique.example>\n'
            b"Sender: me@boutique.example\nTo: x@y.example\n"
            b"Reply-To: <a@bank.example>,\n <b@boutique.example>",
        ),
        (
            b"From: no address at all",
            "",
            b'From: "no address at all via boutique.example" <noreply@boutique.example>\n'
            b"To: x@y.example",
        ),
    ],
)
def test_a_strange_author_is_replaced(before: bytes, sender: str, after: bytes) -> None:
    found = judged(before + b"\nTo: x@y.example", SenderPolicy.REWRITE, sender)
    assert found.stranger
    assert not found.is_refused
    assert found.content == (after + b"\n\nbody\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    "head",
    [b"From: " + b"a," * 240_000, b"From: a@boutique.example\n" * 9_000],
    ids=["addresses", "fields"],
)
def test_who_names_too_many_names_a_stranger_and_takes_no_time(head: bytes) -> None:
    message = parsed(head)
    content = headers.as_sent(message)
    began = time.process_time()
    found = senders.authors(message, "boutique.example")
    assert time.process_time() - began < 0.1
    assert found[-1] == senders.TOO_MANY
    began = time.process_time()
    verdict = senders.judged(found, content, "", rule(SenderPolicy.REWRITE))
    assert time.process_time() - began < 0.5
    assert isinstance(verdict, Verdict)
    assert verdict.content.count(b"From:") == 1


def test_a_name_keeps_its_signs_when_the_author_is_replaced() -> None:
    found = judged(b"From: =?utf-8?q?Caf=C3=A9?= <a@bank.example>", SenderPolicy.REWRITE)
    assert found.content.startswith(
        b"From: =?utf-8?B?Q2Fmw6kgdmlhIGJvdXRpcXVlLmV4YW1wbGU=?= <noreply@boutique.example>\r\n"
    )
    found = judged(b"From: " + "é".encode() * 300 + b" <a@bank.example>", SenderPolicy.REWRITE)
    assert max(map(len, found.content.split(b"\r\n"))) <= 120


@given(
    st.binary(max_size=120).map(lambda raw: raw.replace(b"\0", b"").replace(b"\r", b"")),
    st.sampled_from([b"From: ", b"Sender: "]),
)
def test_after_a_replacement_no_stranger_is_left(value: bytes, name: bytes) -> None:
    message = headers.parse(name + value.replace(b"\n", b"\n ") + b"\nTo: x@y.example\n\nbody\n")
    assert isinstance(message, Parsed)
    content = headers.as_sent(message)
    verdict = senders.judged(
        senders.authors(message, HOST), content, "", rule(SenderPolicy.REWRITE)
    )
    assert isinstance(verdict, Verdict)
    again = headers.parse(verdict.content.replace(b"\r\n", b"\n"))
    assert isinstance(again, Parsed)
    assert again.body == message.body
    if verdict.stranger is None:
        assert verdict.content == content
    else:
        left = senders.authors(again, HOST)
        assert all(author.domain == "boutique.example" for author in left)
