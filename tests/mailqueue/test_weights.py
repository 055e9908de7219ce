"""How much rules weigh: everywhere, for one account, and what overruling leaves of that."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, weights
from mailqueue.models import AccountRule, HostingAccount, HouseRule, RuleCount
from mailqueue.screening import MALWARE, RULES, Context, Finding, patterns, screen
from mailqueue.screening.patterns import Counts
from mailqueue.weights import Tally

SHOUTING = (
    b"From: a@b.example\r\nSubject: VISIT OUR GREAT SHOP\r\n\r\nGood morning to all of you.\r\n"
)


def test_nothing_is_told_where_nobody_changed_a_weight(account: HostingAccount) -> None:
    assert weights.of([account.pk]) == {account.pk: {}}
    assert weights.of([]) == {}


def test_both_weights_are_multiplied(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    weights.set_house("subject_capitals", 0.5, "admin", now)
    weights.set_house("blank", 2.0, "admin", now)
    weights.set_own(account.pk, "subject_capitals", 0.5, "admin", now)
    weights.set_own(account.pk, "no_text", 0.0, "admin", now)
    assert weights.of([account.pk, other.pk]) == {
        account.pk: {"subject_capitals": 0.25, "blank": 2.0, "no_text": 0.0},
        other.pk: {"subject_capitals": 0.5, "blank": 2.0},
    }


def test_a_weight_of_zero_switches_a_rule_off(account: HostingAccount, now: datetime) -> None:
    assert "subject_capitals" in {finding.rule for finding in screen(SHOUTING).findings}
    weights.set_house("subject_capitals", 0, "admin", now)
    context = Context(weights=weights.of([account.pk])[account.pk])
    assert weights.rescored(screen(SHOUTING).findings, context.weights) < screen(SHOUTING).score
    assert "subject_capitals" not in {
        finding.rule for finding in screen(SHOUTING, context).findings
    }


def test_patterns_over_time_are_weighed_too(account: HostingAccount, now: datetime) -> None:
    observed = patterns(Counts(script="x.php", sent=100, silent_days=30))
    assert [finding.rule for finding in observed] == ["burst"]
    whole = screen(SHOUTING, Context(observed=observed)).score
    half = screen(SHOUTING, Context(observed=observed, weights={"burst": 0.5})).score
    assert weights.rescored(screen(SHOUTING, Context(observed=observed)).findings, {}) == whole
    assert whole - half == pytest.approx(RULES["burst"].weight / 2)
    gone = screen(SHOUTING, Context(observed=observed, weights={"burst": 0})).findings
    assert "burst" not in {finding.rule for finding in gone}


def test_it_takes_two_queries_for_any_number_of_accounts(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    for rule in RULES:
        weights.set_house(rule, 0.5, "admin", now)
        if rule not in MALWARE:
            weights.set_own(account.pk, rule, 0.5, "admin", now)
    with CaptureQueriesContext(connection) as captured:
        found = weights.of([account.pk, other.pk])
    # Django does not see those of PostgreSQL, which are the same.
    assert len(captured) == (2 if connection.vendor == "sqlite" else 0)
    assert len(found[account.pk]) == len(RULES)


def test_many_rules_without_a_weight_of_their_own_are_not_read(
    account: HostingAccount, now: datetime
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL takes whatever is cheapest with so few rows")
    with CaptureQueriesContext(connection) as captured:
        weights.of([account.pk])
    question = next(query["sql"] for query in captured if "accountrule" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {question}")
        plan = " ".join(row[3] for row in cursor.fetchall())
    assert "rule_weighed" in plan


def test_a_weight_of_one_is_none_of_its_own(account: HostingAccount, now: datetime) -> None:
    assert weights.set_house("blank", 0, "admin", now) == (1.0, 0)
    assert weights.set_house("blank", 1.0, "admin", now) == (0.0, 1.0)
    assert not HouseRule.objects.exists()
    assert weights.of([account.pk]) == {account.pk: {}}


@pytest.mark.parametrize("weight", [-0.1, 3.1, float("nan"), float("inf")])
def test_weights_have_bounds(account: HostingAccount, now: datetime, weight: float) -> None:
    with pytest.raises(ValidationError):
        weights.set_house("blank", weight, "admin", now)
    with pytest.raises(ValidationError):
        weights.set_own(account.pk, "blank", weight, "admin", now)


def test_an_unknown_rule_has_no_weight(account: HostingAccount, now: datetime) -> None:
    with pytest.raises(KeyError):
        weights.set_house("nothing", 1.0, "admin", now)


def test_overruled_rules_lose_half_of_their_weight_until_nothing_is_left(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    for expected in (0.5, 0.25, 0.125, 0.0, 0.0):
        now += timedelta(minutes=1)
        left = weights.overrule(account.pk, [["blank", "no_text"]], "claire", now)
        assert left == {"blank": expected, "no_text": expected}
    row = AccountRule.objects.get(account=account, rule="blank")
    assert (row.overruled, row.changed_by, row.changed_at) == (5, "claire", now)
    assert weights.of([account.pk, other.pk])[other.pk] == {}
    assert weights.tallies(now)["blank"] == Tally(0, 0, 5)


def test_messages_that_were_chosen_in_one_go_lower_a_rule_once(
    account: HostingAccount, now: datetime
) -> None:
    left = weights.overrule(account.pk, [["blank", "blank"], ["blank"], ["no_text"]], "claire", now)
    assert left == {"blank": 0.5, "no_text": 0.5}
    counts = dict(AccountRule.objects.values_list("rule", "overruled"))
    assert counts == {"blank": 2, "no_text": 1}


def test_what_fired_is_kept(account: HostingAccount, now: datetime) -> None:
    AccountRule.objects.create(account=account, rule="blank", fired=7, overruled=1, weight=0.5)
    RuleCount.objects.create(rule="blank", day=now.date(), fired=7, convicted=3, overruled=1)
    weights.overrule(account.pk, [["blank"]], "claire", now)
    row = AccountRule.objects.get()
    assert (row.fired, row.overruled, row.weight) == (7, 2, 0.25)
    assert weights.tallies(now) == {"blank": Tally(7, 3, 2)}


def test_malware_keeps_its_weight(account: HostingAccount, now: datetime) -> None:
    assert weights.overrule(account.pk, [["malware", "blank"]], "admin", now) == {
        "malware": 1.0,
        "blank": 0.5,
    }
    assert AccountRule.objects.get(rule="malware").overruled == 1
    with pytest.raises(ValidationError):
        weights.set_own(account.pk, "malware", 0.5, "admin", now)


def test_resetting_leaves_the_counts(account: HostingAccount, now: datetime) -> None:
    weights.overrule(account.pk, [["blank", "no_text"]], "claire", now)
    assert weights.reset(account.pk, "admin", now) == ["blank", "no_text"]
    assert weights.of([account.pk]) == {account.pk: {}}
    assert [row.overruled for row in weights.own(account.pk)] == [1, 1]
    assert weights.reset(account.pk, "admin", now) == []


def test_findings_are_scored_anew_with_other_weights(
    account: HostingAccount, now: datetime
) -> None:
    weights.set_house("blank", 2.0, "admin", now)
    weights.overrule(account.pk, [["blank", "no_text"]], "claire", now)
    findings = [Finding("blank", 2.4, "text", weight=2.0), Finding("link_text", 1.5, "link")]
    assert weights.rescored(findings, {"blank": 2.0}) == 3.9
    assert weights.rescored(findings, weights.of([account.pk])[account.pk]) == 2.7


def test_families_have_their_limit_with_other_weights_too() -> None:
    findings = [
        Finding("header_repeated", 1.2, "header"),
        Finding("header_address", 1.0, "header"),
    ]
    assert weights.rescored(findings, {}) == 1.5
    assert weights.rescored(findings, {"header_repeated": 0.5}) == 1.5
    assert weights.rescored(findings, {"header_repeated": 0}) == 1.0


def test_thirty_days_are_counted(account: HostingAccount, now: datetime) -> None:
    for days in (0, 29, 30):
        RuleCount.objects.create(rule="blank", day=(now - timedelta(days=days)).date(), fired=1)
    assert weights.tallies(now) == {"blank": Tally(2, 0, 0)}
    days_told = weights.by_day("blank", now)
    assert len(days_told) == 30
    assert days_told[-1] == (now.date(), Tally(1, 0, 0))
    assert days_told[0] == ((now - timedelta(days=29)).date(), Tally(1, 0, 0))
    assert {tally for _, tally in days_told[1:-1]} == {Tally()}


def test_where_a_rule_was_overruled_the_most_comes_first(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    third = accounts.create("tiers.example", now, uid=1003)
    weights.overrule(account.pk, [["blank"]], "claire", now)
    weights.overrule(other.pk, [["blank"], ["blank"]], "paul", now)
    AccountRule.objects.create(account=third, rule="blank", fired=9)
    assert [row.account for row in weights.most_overruled("blank")] == [other, account]
    assert len(weights.most_overruled("blank", 1)) == 1
