"""What it would mean to say that messages judged spam are wanted: a read model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailqueue import weights
from mailqueue.models import HostingAccount, Judgement, Message, Recipient
from mailqueue.screening import THRESHOLD, Finding, kept

# What nobody could count on a page.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Fall:
    """What a rule weighs for an account now, by its own weight alone, and would weigh then."""

    rule: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """A message that was judged spam, and what one like it would score then."""

    judgement: Judgement
    findings: Sequence[Finding]
    score_then: float

    @property
    def is_spam_then(self) -> bool:
        """Whether one like it would still be judged spam."""
        return self.judgement.has_malware or self.score_then >= THRESHOLD


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of rules and of scores if the messages are wanted."""

    falls: Sequence[Fall]
    alarms: Sequence[Alarm]
    # Recipients that would go.
    held: int

    @property
    def still_spam(self) -> int:
        """How many messages like these would still be judged spam."""
        return sum(alarm.is_spam_then for alarm in self.alarms)


def judgement_of(message: Message) -> Judgement | None:
    """What was found in a message; None if it was not judged, or nothing worth telling was."""
    return Judgement.objects.filter(message=message).first()


def outlook(account: HostingAccount, message_ids: Iterable[int], *, with_malware: bool) -> Outlook:
    """What saying that these messages of an account are wanted would mean; in four queries.

    Of messages that were not judged spam, or are wanted already, nothing is told; of those with
    malware neither, unless `with_malware`.
    """
    rows = Judgement.objects.filter(
        account=account, message_id__in=set(message_ids), is_spam=True, wanted_at=None
    )
    if not with_malware:
        rows = rows.filter(has_malware=False)
    judgements = list(rows.order_by("message_id"))
    findings = [kept(row.findings) for row in judgements]
    rules = sorted({finding.rule for found in findings for finding in found})
    own = {row.rule: row.weight for row in weights.own(account.pk)}
    falls = [
        Fall(rule, own.get(rule, 1.0), weights.fallen(rule, own.get(rule, 1.0))) for rule in rules
    ]
    then = weights.together(
        weights.of_house(), {**own, **{fall.rule: fall.after for fall in falls}}
    )
    alarms = [
        Alarm(row, found, weights.rescored(found, then))
        for row, found in zip(judgements, findings, strict=True)
    ]
    held = Recipient.objects.filter(
        message_id__in=[row.pk for row in judgements], status="held", hold_reason="spam"
    )
    return Outlook(
        [fall for fall in falls if fall.before != fall.after], alarms, held[:MOST_COUNTED].count()
    )


def held_of(message: Message, limit: int) -> list[int]:
    """The numbers of up to `limit` recipients that are held because it was judged spam."""
    found = Recipient.objects.filter(message=message, status="held", hold_reason="spam")
    return list(found.order_by("pk").values_list("pk", flat=True)[:limit])
