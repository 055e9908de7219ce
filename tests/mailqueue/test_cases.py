"""Cases: what is copied when an account stops for spam, and how long it stays."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from mailqueue import cases, queue, service
from mailqueue.bounces import Category
from mailqueue.models import (
    Alert,
    Body,
    CaseSample,
    HostingAccount,
    Judgement,
    Message,
    Recipient,
    SpamCase,
    StateChange,
    Suppression,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.service import rules
from tests.support import judged

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
HOUR = timedelta(hours=1)


def report(account: HostingAccount, now: datetime) -> SpamCase:
    service.report_spam(account.pk, "", now)
    return SpamCase.objects.latest("pk")


def purge(account: HostingAccount, now: datetime, **options: bool) -> None:
    service.purge(account.pk, "claire", now, **options)


def test_a_stop_copies_the_worst_of_what_was_judged_spam(
    account: HostingAccount, now: datetime
) -> None:
    judged.wanton(account, now)
    judged.send(account, b"Subject: Bonjour\r\n\r\nVotre commande.\r\n", now)
    judged.judge(account, now)
    case = report(account, now)
    assert case.change == StateChange.objects.get()
    assert (case.looked_at, case.closed_at) == (7, None)
    samples = list(case.samples.order_by("pk"))
    # One of each kind, though five sell drugs; the one with malware first.
    assert [sample.subject for sample in samples] == [
        "Facture",
        "Votre compte est limité",
        "Offre",
    ]
    lure = samples[1]
    assert (lure.address, lure.recipients, lure.script) == (
        "victime0@example.net",
        3,
        "wp-mailer.php",
    )
    assert lure.folder == "/var/www/boutique/wp-content/uploads"
    assert lure.score
    assert lure.score > 5
    assert cases.content_of(lure) == judged.letter("first-paypal")
    assert not lure.is_clipped
    assert cases.findings(lure.findings)[0].rule == "credentials"


def test_rules_and_scripts_are_summed_the_heaviest_first(
    account: HostingAccount, now: datetime
) -> None:
    judged.wanton(account, now)
    case = report(account, now)
    met = cases.met_rules(case.rules)
    assert [rule.score for rule in met] == sorted((rule.score for rule in met), reverse=True)
    pills = met[0]
    assert (pills.rule, pills.number, pills.where) == ("pills", 5, "text")
    assert pills.score == pytest.approx(5 * pills.mean)
    assert pills.details["what"]
    assert {"credentials", "malware"} <= {rule.rule for rule in met}
    assert [(share.name, share.number) for share in cases.scripts(case.scripts)] == [
        ("contact.php", 5),
        ("wp-mailer.php", 1),
    ]


def test_what_screening_judges_stops_and_opens_a_case(
    account: HostingAccount, now: datetime
) -> None:
    judged.send(account, judged.letter("first-pharmacie"), now)
    judged.judge(account, now)
    assert service.judge_spam([account.pk], now) == []
    assert not SpamCase.objects.exists()
    judged.wanton(account, now, 1)
    [stop] = service.judge_spam([account.pk], now)
    case = SpamCase.objects.get()
    assert (case.change, case.looked_at) == (stop, 4)
    assert (stop.figures["messages"], stop.figures["malware"]) == (4, 1)
    assert len(stop.figures["samples"]) == case.samples.count() == 3


def test_what_somebody_wants_is_no_evidence(account: HostingAccount, now: datetime) -> None:
    judged.send(account, judged.letter("first-pharmacie"), now, subject="Wanted")
    judged.send(account, judged.letter("first-seo"), now, subject="SEO")
    judged.judge(account, now)
    Judgement.objects.filter(message__subject="Wanted").update(wanted_at=now, wanted_by="admin")
    case = report(account, now)
    assert [sample.subject for sample in case.samples.all()] == ["SEO"]


def test_the_history_of_the_state_tells_the_same(account: HostingAccount, now: datetime) -> None:
    judged.wanton(account, now)
    case = report(account, now)
    figures = case.change.figures
    assert [sample["subject"] for sample in figures["samples"]] == list(
        case.samples.order_by("pk").values_list("subject", flat=True)
    )
    assert (figures["script"], figures["script_number"], figures["looked_at"]) == (
        "contact.php",
        5,
        7,
    )
    assert Alert.objects.get().figures["change"] == case.change.pk


def test_a_purge_cannot_take_the_evidence(account: HostingAccount, now: datetime) -> None:
    judged.wanton(account, now)
    case = report(account, now)
    purge(account, now + HOUR)
    assert set(Recipient.objects.values_list("status", flat=True)) == {"purged"}
    assert not Body.objects.exists()
    Message.objects.all().delete()
    assert {cases.content_of(sample) for sample in case.samples.all()} == {
        judged.letter(name) for name in ("first-pharmacie", "first-paypal", "first-disguised")
    }


def test_a_long_message_is_copied_up_to_a_bound(account: HostingAccount, now: datetime) -> None:
    content = judged.letter("first-pharmacie") + b"x" * 70 + b"\r\n"
    content += b"y" * 70 + b"\r\n"
    content += b"".join(b"%070d\r\n" % number for number in range(8000))
    judged.send(account, content, now)
    judged.judge(account, now)
    [sample] = report(account, now).samples.all()
    assert sample.is_clipped
    kept = cases.content_of(sample)
    assert kept == content[: 256 * 1024]
    assert sample.size_bytes == len(content)


def test_what_was_judged_before_the_last_way_out_is_no_evidence_again(
    account: HostingAccount, now: datetime
) -> None:
    judged.wanton(account, now)
    report(account, now)
    purge(account, now + HOUR)
    judged.send(account, judged.letter("first-seo"), now + 2 * HOUR, subject="SEO")
    judged.judge(account, now + 2 * HOUR)
    case = report(account, now + 3 * HOUR)
    assert case.looked_at == 1
    assert [sample.subject for sample in case.samples.all()] == ["SEO"]


def test_where_nothing_was_judged_complaints_tell_of_which_mail(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    for number in range(8):
        submit(f"client{number}@example.org", at=now - timedelta(minutes=number))
    claimed = queue.claim_due(now, 100, timedelta(minutes=1))
    queue.record([(item, Outcome(Result.DELIVERED, "250", "2.0.0")) for item in claimed], now)
    wanted = Recipient.objects.get(address="client7@example.org")
    said = queue.CameBack(wanted.pk, Category.COMPLAINT, "", is_hard=False, words="")
    with transaction.atomic():
        queue.come_back([said], now)
    assert Suppression.objects.exists()
    case = report(account, now)
    assert case.looked_at == 1
    assert [sample.address for sample in case.samples.all()] == ["client7@example.org"]


def test_where_nothing_else_is_known_the_newest_mail_is_shown(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    for number in range(5):
        submit(f"client{number}@example.org", at=now + timedelta(minutes=number))
    case = report(account, now + HOUR)
    assert [sample.address for sample in case.samples.order_by("pk")] == [
        "client4@example.org",
        "client3@example.org",
        "client2@example.org",
    ]
    assert (case.looked_at, case.rules) == (5, [])


def test_an_account_without_mail_has_a_case_as_well(account: HostingAccount, now: datetime) -> None:
    case = report(account, now)
    assert (case.looked_at, case.rules, case.scripts) == (0, [], [])
    assert not case.samples.exists()


@pytest.mark.parametrize("way", ["purge", "lift"])
def test_a_case_ends_when_the_service_delivers_again(
    account: HostingAccount, now: datetime, way: str
) -> None:
    report(account, now)
    if way == "purge":
        purge(account, now + HOUR)
    else:
        service.lift(account.pk, "admin", now + HOUR, "Merci.")
    case = SpamCase.objects.get()
    assert case.closed_at == now + HOUR
    assert case.closed_by == ("claire" if way == "purge" else "admin")
    assert cases.open_of(account.pk) is None


def test_a_purge_before_a_review_leaves_it_open(account: HostingAccount, now: datetime) -> None:
    case = report(account, now)
    HostingAccount.objects.update(review_required=True)
    purge(account, now + HOUR)
    assert HostingAccount.objects.get().state == "spam"
    assert cases.open_of(account.pk) == case


def test_a_stop_that_follows_a_case_that_is_still_open_takes_its_place(
    account: HostingAccount, now: datetime
) -> None:
    first = report(account, now)
    purge(account, now + HOUR, stay_blocked=True)
    assert HostingAccount.objects.get().state == "ko"
    assert cases.open_of(account.pk) == first
    second = report(account, now + 2 * HOUR)
    first.refresh_from_db()
    assert (first.closed_at, first.closed_by) == (now + 2 * HOUR, "spam_detected")
    assert cases.open_of(account.pk) == second


def test_other_stops_have_no_case(account: HostingAccount, submit: Submit, now: datetime) -> None:
    HostingAccount.objects.update(fast_limit=1)
    submit("a@example.org", "b@example.org", at=now)
    assert service.judge_arrivals([account.pk], now)
    assert not SpamCase.objects.exists()


def test_a_stop_that_cannot_be_written_down_leaves_no_case(
    account: HostingAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(rules, "open_job", fail)
    with pytest.raises(OSError, match="disk"):
        service.report_spam(account.pk, "", now)
    assert not SpamCase.objects.exists()
    assert HostingAccount.objects.get().state == "ok"


def test_old_cases_go_after_a_year_and_open_ones_stay(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    judged.wanton(account, now)
    report(account, now)
    purge(account, now + HOUR)
    report(other, now)
    assert cases.prune(now + timedelta(days=365)) == 0
    assert cases.prune(now + timedelta(days=366)) == 1
    assert cases.prune(now + timedelta(days=366)) == 0
    assert [case.account for case in SpamCase.objects.all()] == [other]
    assert not CaseSample.objects.exists()


def test_the_evidence_of_much_mail_costs_no_more_queries(
    account: HostingAccount, now: datetime
) -> None:
    counted = []
    for number in (1, 30):
        judged.wanton(account, now, number)
        with CaptureQueriesContext(connection) as captured:
            cases.gather(account, now)
        counted.append(len(captured))
    assert counted[0] == counted[1] <= 3
