"""What speaks for a stop: read from what screening found, copied before anybody can purge it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import zstandard
from django.db.models import Count, Min
from django.db.models.functions import Lower

from mailqueue import policy, queue
from mailqueue.cases import values
from mailqueue.cases.values import MetRule, ScriptShare
from mailqueue.models import (
    CaseSample,
    HostingAccount,
    Judgement,
    Message,
    Recipient,
    Suppression,
)

# Messages that rules and scripts are summed over, the newest; and how many of them are copied.
LOOKED_AT = 500
SAMPLES = 3
# The copy of a message ends after so many bytes: a look needs no more, and a case stays small.
MOST_BYTES = 1 << 18
# Addressees who complained, the newest, of whose messages a case tells.
MOST_COMPLAINTS = 50
MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a stop: `looked_at` messages, what they have in common, some of them copied.

    `samples` are rows that are not written yet.
    """

    looked_at: int = 0
    rules: Sequence[MetRule] = ()
    scripts: Sequence[ScriptShare] = ()
    samples: Sequence[CaseSample] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """What the history of the state keeps of it."""
        told: dict[str, object] = {
            "samples": [
                {
                    "subject": sample.subject,
                    "address": sample.address,
                    "script": sample.script,
                    "reply": "",
                }
                for sample in self.samples
            ]
        }
        named = [share for share in self.scripts if share.name]
        if named:
            told["script"], told["script_number"] = named[0].name, named[0].number
            told["script_key"] = named[0].key
            told["looked_at"] = self.looked_at
        return told


def gather(account: HostingAccount, now: datetime) -> Evidence:
    """The evidence that there is now against an account: what was judged spam since its windows.

    Where nothing was, what its addressees complained about; and where they did not, its newest
    mail. Part of the caller's transaction, which has the account locked.
    """
    since = max(now - policy.RATIO_WINDOW, account.windows_from)
    judged = _judged(account, since)
    if judged:
        messages = [row.message for row in judged]
    else:
        messages = _complained(account, since) or _newest(account, since)
        judged = list(Judgement.objects.filter(message__in=[message.pk for message in messages]))
    found = {row.message_id: row for row in judged}
    return Evidence(
        looked_at=len(messages),
        rules=values.summed(values.findings(row.findings) for row in judged),
        scripts=values.shares(messages),
        samples=_samples(_chosen(messages, found), found),
    )


def _judged(account: HostingAccount, since: datetime) -> list[Judgement]:
    spam = Judgement.objects.filter(account=account, is_spam=True, judged_at__gte=since)
    spam = spam.filter(wanted_at__isnull=True)
    return list(spam.select_related("message").order_by("-judged_at")[:LOOKED_AT])


def _complained(account: HostingAccount, since: datetime) -> list[Message]:
    """The messages of those who complained. Found by their addresses, which are excluded since."""
    told = Suppression.objects.filter(
        account=account, reason=Suppression.Reason.COMPLAINED, created_at__gte=since
    )
    addresses = list(
        told.order_by("-created_at").values_list("address", flat=True)[:MOST_COMPLAINTS]
    )
    rows = Recipient.objects.alias(lowered=Lower("address")).filter(
        lowered__in=addresses, account=account, complained_at__gte=since
    )
    messages = [row.message for row in rows.select_related("message").order_by("-complained_at")]
    return list(dict.fromkeys(messages))[:LOOKED_AT]


def _newest(account: HostingAccount, since: datetime) -> list[Message]:
    newest = Message.objects.filter(account=account, accepted_at__gte=since)
    return list(newest.order_by("-accepted_at")[:LOOKED_AT])


def _chosen(messages: Sequence[Message], found: Mapping[int, Judgement]) -> list[Message]:
    """Up to `SAMPLES` messages: the worst, each of another script or subject if there are any."""

    def weight(message: Message) -> tuple[bool, float]:
        row = found.get(message.pk)
        return (row is not None and row.has_malware, message.spam_score or 0.0)

    ordered = sorted(messages, key=weight, reverse=True)
    first: dict[tuple[str, str, str], Message] = {}
    for message in ordered:
        first.setdefault((message.script, message.folder, message.subject), message)
    different = list(first.values())
    others = [message for message in ordered if message not in different]
    return [*different, *others][:SAMPLES]


def _samples(messages: Iterable[Message], found: Mapping[int, Judgement]) -> list[CaseSample]:
    chosen = {message.pk: message for message in messages}
    contents = queue.contents_of(chosen)
    recipients = {
        row["message_id"]: (row["first"], row["number"])
        for row in Recipient.objects.filter(message__in=chosen)
        .values("message_id")
        .annotate(first=Min("address"), number=Count("pk"))
        .order_by()
    }
    return [
        _sample(message, found.get(pk), contents.get(pk), *recipients.get(pk, ("", 0)))
        for pk, message in chosen.items()
    ]


def _sample(
    message: Message,
    judged: Judgement | None,
    content: bytes | None,
    address: str,
    number: int,
) -> CaseSample:
    return CaseSample(
        queue_id=message.queue_id,
        accepted_at=message.accepted_at,
        sender=message.sender,
        address=address,
        recipients=number,
        subject=message.subject,
        script=message.script,
        folder=message.folder,
        size_bytes=message.size_bytes,
        score=message.spam_score if judged is None else judged.score,
        findings=[] if judged is None else judged.findings[:MOST_FINDINGS],
        content=None if content is None else zstandard.compress(content[:MOST_BYTES]),
        is_clipped=content is not None and len(content) > MOST_BYTES,
    )
