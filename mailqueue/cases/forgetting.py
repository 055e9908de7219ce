"""What cases keep of an address: found for whoever asks, and taken out of them on his wish.

A sample that names it anywhere is emptied; that there was one, its rules and its score stay: they
are what the stop was for, and about nobody.
"""

import json
import re
from collections.abc import Iterator

from django.db.models import Value
from django.db.models.functions import Lower

from mailqueue.cases.keeping import content_of
from mailqueue.models import CaseSample, Recipient, SpamCase
from mailqueue.screening import letter

ERASED = "erased-{}@invalid"


def naming(account_id: int, address: str) -> list[CaseSample]:
    """The samples of an account's cases that an address stands in, with their cases.

    Reads each of them: an account has three for each stop within a year.
    """
    samples = CaseSample.objects.filter(case__account=account_id).select_related("case")
    # Those that were emptied name nobody.
    samples = samples.exclude(address__startswith="erased-", address__endswith="@invalid")
    found = list(samples.order_by("pk"))
    # Whom else a message went to is told by its own rows, as long as they are kept.
    sent_to = Recipient.objects.alias(lowered=Lower("address")).filter(
        message__queue_id__in=[sample.queue_id for sample in found],
        account_id=account_id,
        lowered=Lower(Value(address)),
    )
    sent = set(sent_to.values_list("message__queue_id", flat=True))
    written = _written(address)
    return [
        sample
        for sample in found
        if sample.queue_id in sent or any(written.search(text) for text in _texts(sample))
    ]


def forget(account_id: int, address: str) -> int:
    """Take an address out of the cases of an account; return how many samples named it.

    Part of the caller's transaction.
    """
    samples = naming(account_id, address)
    for sample in samples:
        sample.address = ERASED.format(sample.pk)
        sample.sender, sample.subject, sample.content = "", "", None
        sample.findings = [{**row, "details": {}} for row in sample.findings]
    CaseSample.objects.bulk_update(samples, ["address", "sender", "subject", "content", "findings"])
    written = _written(address)
    for case in SpamCase.objects.filter(account_id=account_id).order_by("pk"):
        rules = [
            {**row, "details": {}} if written.search(_text(row["details"])) else row
            for row in case.rules
        ]
        if rules != case.rules:
            case.rules = rules
            case.save(update_fields=["rules"])
    return len(samples)


def _written(address: str) -> re.Pattern[str]:
    """Where an address stands, and not as a part of a longer one."""
    return re.compile(rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)", re.IGNORECASE)


def _texts(sample: CaseSample) -> Iterator[str]:
    """Everything in a sample that an address may stand in, the cheap first."""
    yield from (sample.address, sample.sender, sample.subject, _text(sample.findings))
    content = content_of(sample)
    if content is None:
        return
    yield content.decode("utf-8", "replace")
    # What is encoded there reads otherwise here.
    read = letter.read(content)
    yield from (header.text for header in read.message.headers)
    yield read.plain
    for page in read.pages:
        yield page.text
        yield page.hidden
        yield from (link.href for link in page.links)


def _text(values: object) -> str:
    return json.dumps(values, ensure_ascii=False)
