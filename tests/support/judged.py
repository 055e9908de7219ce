"""Abusive mail in the queue, judged as a worker judges it, or as a test wants it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from mailqueue import queue
from mailqueue.judgements import Judged
from mailqueue.models import HostingAccount, Judgement, Message
from mailqueue.queue import Submission
from mailqueue.screening import Verdict, kept, screen
from tests.support.letters import texts

# What a letter in capitals with a false link is found guilty of; together 5.5.
FINDINGS = (
    {"rule": "pills", "score": 3.0, "where": "text", "details": {"what": "viagra, pills"}},
    {
        "rule": "link_text",
        "score": 1.5,
        "where": "link",
        "details": {"what": "bank.example", "host": "evil.example"},
    },
    {"rule": "subject_capitals", "score": 1.0, "where": "subject", "details": {"what": "BUY NOW"}},
)


@cache
def letter(name: str) -> bytes:
    """An abusive letter of the corpus by its name."""
    [found] = [text for text in texts("abuse") if text.name == name]
    return found.message()


def send(
    account: HostingAccount,
    content: bytes,
    now: datetime,
    *recipients: str,
    subject: str = "Offre",
    script: str = "contact.php",
    folder: str = "/var/www/boutique",
) -> Message:
    """A message of a script, in the queue; nobody has judged it yet."""
    submission = Submission(
        account_id=account.pk,
        sender="www@boutique.example",
        recipients=recipients or ("client@example.org",),
        content=content,
        size_bytes=len(content),
        subject=subject,
        origin=Message.Origin.SOCKET,
        script=script,
        folder=folder,
    )
    [receipt] = queue.accept([submission], now)
    return Message.objects.get(queue_id=receipt.queue_id)


def judge(account: HostingAccount, now: datetime) -> list[Judgement]:
    """Judge what nobody has judged yet of an account's mail; what was kept of that."""
    waiting = list(Message.objects.filter(account=account, spam_score=None).order_by("pk"))
    contents = queue.contents_of(message.pk for message in waiting)
    verdicts = [
        Judged(
            message.pk,
            account.pk,
            screen(contents[message.pk]),
            recipients=message.recipients.count(),
            script=message.script,
            folder=message.folder,
            origin=message.origin,
        )
        for message in waiting
    ]
    queue.judge(verdicts, [], now)
    return list(Judgement.objects.filter(message__in=waiting).order_by("pk"))


def wanton(account: HostingAccount, now: datetime, number: int = 5) -> list[Judgement]:
    """So many e-mails that sell drugs, one that lures for passwords, and one with malware."""
    for place in range(number):
        send(account, letter("first-pharmacie"), now, f"client{place}@example.org")
    send(
        account,
        letter("first-paypal"),
        now,
        *(f"victime{place}@example.net" for place in range(3)),
        subject="Votre compte est limité",
        script="wp-mailer.php",
        folder="/var/www/boutique/wp-content/uploads",
    )
    send(account, letter("first-disguised"), now, subject="Facture", script="", folder="")
    return judge(account, now)


def pronounce(
    message: Message,
    now: datetime,
    findings: Sequence[Mapping[str, Any]] = FINDINGS,
    *,
    is_spam: bool = True,
    has_malware: bool = False,
    is_held: bool = True,
) -> Judgement:
    """Let a message be judged; what has not ended of it is held if it is spam and `is_held`.

    Its findings come to 2.5 or more: else no judgement is kept.
    """
    score = sum(float(found["score"]) for found in findings)
    verdict = Verdict(is_spam, score, tuple(kept(findings)), has_malware)
    judged = Judged(
        message.pk, message.account_id, verdict, message.recipients.count(), holds=is_held
    )
    queue.judge([judged], [], now)
    return Judgement.objects.get(message=message)
