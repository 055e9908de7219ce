"""How much each rule of screening weighs: everywhere, and in the mail of one account.

The only writer of HouseRule, of the weights in AccountRule, and of what counts overruled findings.
A weight multiplies what a rule adds: 1 is the catalogue's, 0 switches the rule off. What a rule
adds to the mail of an account is multiplied with both, the house's and the account's own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils.translation import gettext as _

from mailqueue import statements
from mailqueue.models import AccountRule, HouseRule, RuleCount
from mailqueue.screening import MALWARE, RULES, Finding, total

# Ours. A rule that is overruled loses half of its weight, so that one mistaken click does not
# switch it off; after four it says nothing that could matter.
FALLS_TO = 0.5
LEAST = 0.1
# Beyond this nearly every rule would make a verdict alone.
MOST = 3.0
DAYS = 30

_HOUSE = HouseRule._meta.db_table
_OWN = AccountRule._meta.db_table
_COUNTS = RuleCount._meta.db_table


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a rule fired, how often in messages judged spam, and how often it was overruled."""

    fired: int = 0
    convicted: int = 0
    overruled: int = 0


def of(account_ids: Collection[int]) -> dict[int, Mapping[str, float]]:
    """What the rules weigh for each of these accounts, where that is not 1; in two queries."""
    if not account_ids:
        return {}
    house = of_house()
    condition, values = statements.among(set(account_ids))
    # As the partial index has it, to the letter.
    sql = (
        f"SELECT account_id, rule, weight FROM {_OWN} "  # noqa: S608 - names of our own, as all below
        f"WHERE NOT (weight = 1.0) AND account_id {condition}"
    )
    own: dict[int, dict[str, float]] = {}
    for account_id, rule, weight in statements.fetch(sql, values):
        own.setdefault(account_id, {})[rule] = weight
    return {pk: together(house, own.get(pk, {})) for pk in account_ids}


def together(house: Mapping[str, float], own: Mapping[str, float]) -> dict[str, float]:
    """What rules weigh for an account, of what they weigh everywhere and by its own weights."""
    return {**house, **{rule: weight * house.get(rule, 1.0) for rule, weight in own.items()}}


def of_house() -> dict[str, float]:
    """What the rules weigh everywhere, where that is not 1."""
    rows = statements.fetch(f"SELECT rule, weight FROM {_HOUSE}")  # noqa: S608
    return {rule: weight for rule, weight in rows if weight != 1.0}


def set_house(rule: str, weight: float, actor: str, now: datetime) -> tuple[float, float]:
    """Give a rule a weight everywhere; return what it was, and what it is.

    Part of the caller's transaction. Raises ValidationError if the weight is out of bounds,
    KeyError if there is no such rule.
    """
    _check(rule, weight)
    known = HouseRule.objects.select_for_update(no_key=True).filter(rule=rule).first()
    before = 1.0 if known is None else known.weight
    if weight == 1.0:
        HouseRule.objects.filter(rule=rule).delete()
    else:
        HouseRule.objects.update_or_create(
            rule=rule, defaults={"weight": weight, "changed_at": now, "changed_by": actor}
        )
    return before, weight


def set_own(
    account_id: int, rule: str, weight: float, actor: str, now: datetime
) -> tuple[float, float]:
    """Give a rule a weight for one account; return what it was, and what it is.

    Part of the caller's transaction. Raises ValidationError if the weight is out of bounds, or
    would change what malware weighs; KeyError if there is no such rule.
    """
    _check(rule, weight)
    if rule in MALWARE and weight != 1.0:
        raise ValidationError(_("What finds malware weighs the same for every hosting plan."))
    rows = AccountRule.objects.filter(account_id=account_id, rule=rule)
    known = rows.select_for_update(no_key=True).first()
    before = 1.0 if known is None else known.weight
    if before != weight:
        _write((account_id, rule, weight, 0, statements.moment(now), actor), "excluded.weight")
    return before, weight


def reset(account_id: int, actor: str, now: datetime) -> list[str]:
    """Let an account's rules weigh what they weigh everywhere; return which had other weights.

    Part of the caller's transaction. How often they fired and were overruled stays.
    """
    rows = AccountRule.objects.filter(account_id=account_id).exclude(weight=1.0)
    rules = list(rows.order_by("rule").values_list("rule", flat=True))
    AccountRule.objects.filter(account_id=account_id, rule__in=rules).update(
        weight=1.0, changed_at=now, changed_by=actor
    )
    return rules


def overrule(
    account_id: int, findings: Sequence[Iterable[str]], actor: str, now: datetime
) -> dict[str, float]:
    """That messages of an account are wanted, whatever these rules found in each of them.

    The rules lose half of their weight for this account, once however many the messages are: they
    were chosen in one go, and are often copies of one. Below LEAST nothing is left. What finds
    malware keeps its weight. Returns what they weigh for the account now. Part of the caller's
    transaction, which has the account locked.
    """
    numbers: dict[str, int] = {}
    for rules in findings:
        for rule in set(rules):
            numbers[rule] = numbers.get(rule, 0) + 1
    # By name, and those of all accounts first, as `judgements` counts: of two transactions none
    # may wait for what the other has.
    rules = sorted(numbers)
    statements.run_each(
        f"INSERT INTO {_COUNTS} (rule, day, fired, convicted, overruled) "  # noqa: S608
        "VALUES (%s, %s, 0, 0, %s) ON CONFLICT (day, rule) "
        f"DO UPDATE SET overruled = {_COUNTS}.overruled + excluded.overruled",
        [(rule, now.astimezone(UTC).date().isoformat(), numbers[rule]) for rule in rules],
    )
    moment = statements.moment(now)
    halved = (
        f"CASE WHEN {_OWN}.weight * {FALLS_TO} < {LEAST} THEN 0 ELSE {_OWN}.weight * {FALLS_TO} END"
    )
    for rule in rules:
        is_kept = rule in MALWARE
        row = (account_id, rule, 1.0 if is_kept else FALLS_TO, numbers[rule], moment, actor)
        _write(row, f"{_OWN}.weight" if is_kept else halved)
    found = AccountRule.objects.filter(account_id=account_id, rule__in=numbers)
    return dict(found.values_list("rule", "weight"))


def fallen(rule: str, weight: float) -> float:
    """What is left of a rule's own weight for an account once it is overruled."""
    if rule in MALWARE:
        return weight
    return 0.0 if weight * FALLS_TO < LEAST else weight * FALLS_TO


def rescored(findings: Iterable[Finding], weights: Mapping[str, float]) -> float:
    """The score that findings make with these weights instead of those they were found with.

    What a rule that was off would add is not known: there is no such finding.
    """
    return total(
        replace(
            finding,
            score=finding.score / finding.weight * weights.get(finding.rule, 1.0),
        )
        for finding in findings
    )


def tallies(now: datetime) -> dict[str, Tally]:
    """How the rules fared everywhere within DAYS days, today included, by name; in one query."""
    rows = RuleCount.objects.filter(day__gt=_first_day(now) - timedelta(days=1))
    sums = rows.values_list("rule").annotate(Sum("fired"), Sum("convicted"), Sum("overruled"))
    return {rule: Tally(*numbers) for rule, *numbers in sums}


def by_day(rule: str, now: datetime) -> list[tuple[date, Tally]]:
    """How a rule fared everywhere on each of DAYS days (UTC), the last of them today."""
    first = _first_day(now)
    rows = RuleCount.objects.filter(rule=rule, day__gte=first)
    known = {
        day: Tally(*numbers)
        for day, *numbers in rows.values_list("day", "fired", "convicted", "overruled")
    }
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [(day, known.get(day, Tally())) for day in days]


def changed_by_house(rule: str) -> HouseRule | None:
    """Who gave a rule another weight everywhere, and when; None if nobody did."""
    return HouseRule.objects.filter(rule=rule).first()


def own(account_id: int) -> list[AccountRule]:
    """The rules that fired for an account, or have a weight of their own there, by name."""
    return list(AccountRule.objects.filter(account_id=account_id).order_by("rule"))


def most_overruled(rule: str, limit: int = 10) -> list[AccountRule]:
    """Where a rule was overruled the most often, with its accounts."""
    rows = AccountRule.objects.filter(rule=rule, overruled__gt=0).select_related("account")
    return list(rows.order_by("-overruled", "account_id")[:limit])


def _first_day(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=DAYS - 1)


def _check(rule: str, weight: float) -> None:
    if rule not in RULES:
        raise KeyError(rule)
    if not 0 <= weight <= MOST:
        raise ValidationError(_("A weight lies between 0 and %(most)s.") % {"most": f"{MOST:g}"})


def _write(row: tuple[object, ...], weight: str) -> None:
    """Insert a row of AccountRule; if it is there, its weight becomes what `weight` says."""
    statements.run_each(
        f"INSERT INTO {_OWN} "  # noqa: S608
        "(account_id, rule, weight, fired, overruled, changed_at, changed_by) "
        "VALUES (%s, %s, %s, 0, %s, %s, %s) ON CONFLICT (account_id, rule) DO UPDATE SET "
        f"weight = {weight}, overruled = {_OWN}.overruled + excluded.overruled, "
        "changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        [row],
    )
