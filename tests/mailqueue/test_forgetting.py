"""An address that is erased goes out of the samples of stops, of what is told of them, of cases."""

from base64 import encodebytes
from collections.abc import Callable
from datetime import datetime

import pytest

from mailqueue import cases, service
from mailqueue.models import (
    Alert,
    CaseSample,
    HostingAccount,
    Judgement,
    SpamCase,
    StateChange,
)
from tests.support import judged

pytestmark = pytest.mark.django_db(transaction=True)


def test_samples_to_the_address_go_and_others_stay(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("zoe@example.org", at=now)
    submit("paul@example.org", at=now)
    service.report_spam(account.pk, "", now)
    assert service.forget(account.pk, "ZOE@example.org") == 1
    assert service.forget(account.pk, "zoe@example.org") == 0
    for figures in (StateChange.objects.get().figures, Alert.objects.get().figures):
        assert [sample["address"] for sample in figures["samples"]] == ["paul@example.org"]


ZOE = "zoe@example.org"
ENCODED = (
    b"Subject: =?utf-8?b?QnV5IHBpbGxz?=\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + encodebytes(b"Dear Zoe <Zoe@Example.org>, buy pills.\n").replace(b"\n", b"\r\n")
)
PLAIN = b"Subject: x\r\nCc: zoe@example.org\r\n\r\nBuy pills.\r\n"
OTHERS = b"Subject: x\r\n\r\nWrite to jozoe@example.org or zoe@example.org.uk.\r\n"


@pytest.mark.parametrize(
    ("recipients", "content", "names_her"),
    [
        ((ZOE.upper(),), OTHERS, True),
        # The case tells one of its addresses alone.
        (("anna@example.org", ZOE), OTHERS, True),
        (("anna@example.org",), PLAIN, True),
        (("anna@example.org",), ENCODED, True),
        (("anna@example.org",), OTHERS, False),
    ],
    ids=["to her", "to her too", "header", "encoded text", "others"],
)
def test_a_case_keeps_nothing_of_whoever_it_names(
    account: HostingAccount,
    now: datetime,
    recipients: tuple[str, ...],
    content: bytes,
    names_her: bool,
) -> None:
    judged.send(account, content, now, *recipients, subject="Pills for Zoe")
    service.report_spam(account.pk, "", now)
    assert len(cases.naming(account.pk, ZOE)) == names_her
    service.forget(account.pk, ZOE)
    assert cases.naming(account.pk, ZOE) == []
    sample = CaseSample.objects.get()
    if names_her:
        assert sample.address == f"erased-{sample.pk}@invalid"
        assert (sample.subject, sample.sender, sample.content) == ("", "", None)
    else:
        assert sample.subject == "Pills for Zoe"
        assert cases.content_of(sample) == content


def test_what_was_found_stays_without_what_it_quotes(
    account: HostingAccount, now: datetime
) -> None:
    judged.wanton(account, now, 1)
    found = Judgement.objects.get(message__subject="Offre")
    found.findings = [{**one, "details": {"what": f"viagra, {ZOE}"}} for one in found.findings]
    found.save()
    service.report_spam(account.pk, "", now)
    service.forget(account.pk, ZOE)
    case = SpamCase.objects.get()
    kept = str(case.rules) + str(list(CaseSample.objects.values()))
    assert ZOE not in kept
    assert "pills" in {rule.rule for rule in cases.met_rules(case.rules)}
    emptied = CaseSample.objects.get(content=None)
    assert emptied.score == found.score
    assert cases.findings(emptied.findings)
    assert CaseSample.objects.exclude(content=None).count() == 2
