"""« Règles de filtrage »: what each rule weighs, everywhere and for one account, and how it fares.

For administrators. Each change of a weight stands in the journal.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from mailqueue import weights
from mailqueue.models import HostingAccount
from mailqueue.screening import MALWARE, RULES
from panel import audit, finding_words, overruling, rule_words
from panel.access import SignedInRequest, account_for, administrators_only, only, signed_in
from panel.rule_forms import SORTS, OwnWeightForm, RulesForm, WeightForm


@only("GET")
@signed_in
@administrators_only
def page(request: SignedInRequest) -> HttpResponse:
    """All rules, searched and sorted; those that fire most in a picture."""
    place = _place(request.GET)
    lines = rule_words.lines(weights.of_house(), weights.tallies(timezone.now()))
    found = rule_words.sought(
        lines, place.get("q", ""), changed="changed" in place, sort=place.get("sort", "")
    )
    context = {
        "section": "rules",
        "lines": found,
        "pictured": rule_words.pictured(lines),
        "place": place,
        "query": urlencode(place),
        "sorts": SORTS,
        "days": weights.DAYS,
        "number_changed": sum(line.is_changed for line in lines),
    }
    return render(request, "rules/page.html", context)


@only("GET", "POST")
@signed_in
@administrators_only
def rule(request: SignedInRequest, rule: str) -> HttpResponse:
    """One rule: its advice, how it fared day by day, where it was overruled; and its weight."""
    if rule not in RULES:
        raise Http404
    now = timezone.now()
    known = weights.changed_by_house(rule)
    weight = 1.0 if known is None else known.weight
    form = WeightForm(
        request.POST if request.method == "POST" else None,
        initial={"percent": round(100 * weight)},
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            actor = request.user.get_username()
            before, after = weights.set_house(rule, form.weight, actor, now)
            _note(request, None, rule, before, after)
        _tell(request, rule, before, after)
        if "list" in request.POST:
            place = _place(QueryDict(request.POST["list"]))
            return redirect(f"{reverse('rules')}?{urlencode(place)}#{rule}")
        return redirect("rule", rule)
    tally = weights.tallies(now).get(rule, weights.Tally())
    context: dict[str, Any] = {
        "section": "rules",
        "line": rule_words.line(rule, weight, tally),
        "known": known,
        "is_malware": rule in MALWARE,
        "form": form,
        "days": [
            {
                "day": day,
                "date": formats.date_format(day, "SHORT_DATE_FORMAT"),
                "line": rule_words.line(rule, weight, counts),
            }
            for day, counts in weights.by_day(rule, now)
        ],
        "overruled": [
            {"row": row, "weighs": overruling.percent(row.weight)}
            for row in weights.most_overruled(rule)
        ],
    }
    return render(request, "rules/rule.html", context, status=400 if form.errors else 200)


@only("GET", "POST")
@signed_in
@administrators_only
def own(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The rules that fired for an account, and what they weigh there."""
    account = account_for(request.user, service_name)
    form = OwnWeightForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        rule = form.cleaned_data["rule"]
        with transaction.atomic():
            actor, now = request.user.get_username(), timezone.now()
            before, after = weights.set_own(account.pk, rule, form.weight, actor, now)
            _note(request, account, rule, before, after)
        _tell(request, rule, before, after)
        return redirect("account_rules", service_name)
    lines = rule_words.own_lines(weights.own(account.pk), weights.of_house())
    context = {
        "account": account,
        "tab": "account",
        "lines": lines,
        "form": form,
        "is_any_changed": any(line.is_changed for line in lines),
    }
    with timezone.override(account.time_zone):
        return render(request, "rules/own.html", context, status=400 if form.errors else 200)


@only("POST")
@signed_in
@administrators_only
def reset(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Let the rules of an account weigh what they weigh everywhere."""
    account = account_for(request.user, service_name)
    with transaction.atomic():
        rules = weights.reset(account.pk, request.user.get_username(), timezone.now())
        if rules:
            names = " ".join(rules)
            audit.note(request, audit.Action.RESET_RULES, account, names, number_rules=len(rules))
    if rules:
        messages.success(request, _("The rules weigh what they weigh everywhere again."))
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("account_rules", service_name)


def _place(told: QueryDict) -> dict[str, str]:
    """What the list shows, as an address says it; the usual is left out."""
    form = RulesForm(told)
    form.is_valid()
    values = form.cleaned_data
    place = {
        "q": values.get("q", "").strip(),
        "sort": values.get("sort") if values.get("sort") != SORTS[0][0] else "",
        "changed": "1" if values.get("changed") else "",
    }
    return {name: value for name, value in place.items() if value}


def _note(
    request: SignedInRequest,
    account: HostingAccount | None,
    rule: str,
    before: float,
    after: float,
) -> None:
    if before != after:
        told = {"before": overruling.percent(before), "after": overruling.percent(after)}
        audit.note(request, audit.Action.CHANGE_RULE, account, rule, **told)


def _tell(request: SignedInRequest, rule: str, before: float, after: float) -> None:
    if before == after:
        messages.info(request, _("Nothing was changed."))
        return
    told = {"rule": finding_words.title(rule), "weight": overruling.percent(after)}
    messages.success(request, _("Weight of “%(rule)s”: %(weight)s.") % told)
