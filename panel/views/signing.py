"""One domain: its signing keys, the records to publish, and whether DNS has them.

The domain is one of an account, or one of the house's own, which are for administrators.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import senders, signing_keys
from mailqueue.models import HostingAccount, SigningKey
from panel import audit, dns_check, dns_records, throttle
from panel.access import SignedInRequest, account_for, administrators_only, only, signed_in
from panel.audit import Action
from panel.dns_check import State
from panel.domain_forms import ActivateForm, KeyForm, algorithms
from panel.views.domains import standing
from panel.views.errors import NotAllowed

# Checks of one user within an hour: each asks strangers' servers.
MOST_CHECKS = 120


class Step(StrEnum):
    """What can be done with a key."""

    ACTIVATE = "activate"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Place:
    """A domain, and the account on whose pages it stands; None: the house's."""

    domain: str
    account: HostingAccount | None

    @property
    def address(self) -> str:
        """The address of its page."""
        if self.account is None:
            return reverse("house_domain", args=[self.domain])
        return reverse("domain", args=[self.account.service_name, self.domain])

    def step(self, key: SigningKey, step: Step) -> str:
        """The address of a step with a key."""
        if self.account is None:
            return reverse("house_key_step", args=[self.domain, key.pk, step.value])
        names = [self.account.service_name, self.domain, key.pk, step.value]
        return reverse("key_step", args=names)

    @property
    def make(self) -> str:
        """The address that makes a key."""
        if self.account is None:
            return reverse("house_key_make", args=[self.domain])
        return reverse("key_make", args=[self.account.service_name, self.domain])


@only("GET")
@signed_in
@administrators_only
def house(request: SignedInRequest) -> HttpResponse:
    """The house's own domains, and the return path of all mail."""
    domains = senders.house_domains()
    keys = signing_keys.of_domains(domains)
    records = dns_records.of_house()
    verdicts = _verdicts(request, records, [])
    context = {
        "section": "house_domains",
        "rows": [{"domain": name, "standing": standing(keys.get(name, []))} for name in domains],
        "records": _rows(records, verdicts),
        "is_asked": bool(verdicts),
        "bounce_domain": settings.BOUNCE_DOMAIN,
        "here": reverse("house_domains"),
    }
    return render(request, "domains/house.html", context)


@only("GET")
@signed_in
def page(request: SignedInRequest, domain: str, service_name: str = "") -> HttpResponse:
    """The keys and records of a domain; with `check`, what DNS has of them."""
    return _page(request, _place(request, domain, service_name), KeyForm())


@only("POST")
@signed_in
@administrators_only
def make(request: SignedInRequest, domain: str, service_name: str = "") -> HttpResponse:
    """A new key, or two. They sign nothing yet."""
    place = _place(request, domain, service_name)
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                for algorithm in algorithms(form.cleaned_data["algorithm"]):
                    actor, now = request.user.get_username(), timezone.now()
                    key = signing_keys.make(domain, algorithm, actor, now)
                    _note(request, Action.MAKE_KEY, place, key)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(
                request, _("Made. Publish the record, check it, then activate the key.")
            )
            return redirect(place.address)
    return _page(request, place, form, status=400)


@only("GET", "POST")
@signed_in
@administrators_only
def key_step(
    request: SignedInRequest, domain: str, pk: int, step: Step, service_name: str = ""
) -> HttpResponse:
    """What it means to activate or retire a key, and « Valider »; 409 if that cannot be done."""
    place = _place(request, domain, service_name)
    key = get_object_or_404(SigningKey, pk=pk, domain=domain)
    obstacle = _obstacle(key, step)
    verdict = None
    if step is Step.ACTIVATE and not obstacle:
        verdict = _verdict_of(key)
    is_missed = verdict is not None and verdict.state is not State.FOUND
    if request.method == "POST" and not obstacle:
        form = ActivateForm(request.POST)
        is_sure = form.is_valid() and form.cleaned_data["anyway"]
        if not is_missed or is_sure:
            _take(request, place, key, step, unchecked=is_missed)
            return redirect(place.address)
    context = {
        **_context(place),
        "key": key,
        "title": _step_title(key, step),
        "sentences": _consequences(key, step),
        "obstacle": obstacle,
        "verdict": verdict,
        "is_missed": is_missed,
        "is_refused": request.method == "POST" and is_missed,
    }
    status = 409 if obstacle or context["is_refused"] else 200
    return render(request, "domains/key_step.html", context, status=status)


def _place(request: SignedInRequest, domain: str, service_name: str) -> Place:
    """The domain, if this user may see it. Raises Http404 or NotAllowed."""
    if not service_name:
        if not request.user.is_staff:
            raise NotAllowed(_("This page is for administrators."))
        if domain not in senders.house_domains():
            raise Http404
        return Place(domain, None)
    account = account_for(request.user, service_name)
    if domain not in senders.domains_of([account])[account.pk]:
        raise Http404
    return Place(domain, account)


def _page(request: SignedInRequest, place: Place, form: KeyForm, status: int = 200) -> HttpResponse:
    keys = signing_keys.of_domain(place.domain)
    live = [key for key in keys if key.retired_at is None]
    records = dns_records.of_domain(place.domain, live)
    verdicts = _verdicts(request, records, keys)
    context = {
        **_context(place),
        "keys": [
            {
                "key": key,
                "is_active": signing_keys.is_active(key),
                "activate": place.step(key, Step.ACTIVATE),
                "retire": place.step(key, Step.RETIRE),
            }
            for key in keys
        ],
        "records": _rows(records, verdicts),
        "is_asked": bool(verdicts),
        "form": form,
        "bounce_domain": settings.BOUNCE_DOMAIN,
    }
    zone = place.account.time_zone if place.account else settings.TIME_ZONE
    with timezone.override(zone):
        return render(request, "domains/domain.html", context, status=status)


def _context(place: Place) -> dict[str, Any]:
    return {
        "account": place.account,
        "tab": "domains",
        "section": "house_domains",
        "domain": place.domain,
        "here": place.address,
        "make": place.make,
    }


def _verdicts(
    request: SignedInRequest,
    records: list[dns_records.Record],
    keys: Sequence[SigningKey],
) -> list[dns_check.Verdict]:
    """What DNS has, if somebody asked for that."""
    if "check" not in request.GET or not records:
        return []
    try:
        throttle.count(f"dns-check-{request.user.pk}", MOST_CHECKS, timezone.now())
    except throttle.TooOften:
        messages.error(request, _("Too many checks within an hour. Try again later."))
        return []
    return dns_check.check(records, keys)


def _rows(
    records: list[dns_records.Record], verdicts: list[dns_check.Verdict]
) -> list[dict[str, Any]]:
    asked: Sequence[dns_check.Verdict | None] = verdicts or [None] * len(records)
    return [
        {"record": record, "verdict": verdict}
        for record, verdict in zip(records, asked, strict=True)
    ]


def _verdict_of(key: SigningKey) -> dns_check.Verdict:
    records = [one for one in dns_records.of_domain(key.domain, [key]) if one.key is not None]
    return dns_check.check(records, signing_keys.of_domain(key.domain))[0]


def _obstacle(key: SigningKey, step: Step) -> str:
    if key.retired_at is not None:
        return _("This key was retired before.")
    if step is Step.ACTIVATE and key.activated_at is not None:
        return _("This key is active already.")
    return ""


def _step_title(key: SigningKey, step: Step) -> str:
    if step is Step.ACTIVATE:
        return _("Activate the key %(selector)s") % {"selector": key.selector}
    return _("Retire the key %(selector)s") % {"selector": key.selector}


def _consequences(key: SigningKey, step: Step) -> list[str]:
    if step is Step.ACTIVATE:
        return [
            _("E-mails of this domain are signed with it from now on."),
            _("The active key of the same kind, if there is one, is retired."),
        ]
    sentences = [
        _("Nothing is signed with it any more, and its private part is deleted: for good."),
    ]
    if key.activated_at is not None:
        sentences.append(
            _("Leave its record in DNS for another week: e-mails on their way still need it.")
        )
    return sentences


def _take(
    request: SignedInRequest, place: Place, key: SigningKey, step: Step, *, unchecked: bool
) -> None:
    now = timezone.now()
    try:
        with transaction.atomic():
            if step is Step.ACTIVATE:
                _activate(request, place, key, now, unchecked=unchecked)
            elif signing_keys.retire(key, now):
                _note(request, Action.RETIRE_KEY, place, key)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        done = {
            Step.ACTIVATE: _("The key %(selector)s signs from now on."),
            Step.RETIRE: _("The key %(selector)s is retired."),
        }
        messages.success(request, done[step] % {"selector": key.selector})


def _activate(
    request: SignedInRequest, place: Place, key: SigningKey, now: datetime, *, unchecked: bool
) -> None:
    before = signing_keys.activate(key, now)
    details: dict[str, str | bool] = {}
    if before is not None:
        details["retired"] = before.selector
    if unchecked:
        details["unchecked"] = True
    _note(request, Action.ACTIVATE_KEY, place, key, **details)


def _note(
    request: SignedInRequest, action: Action, place: Place, key: SigningKey, **details: str | bool
) -> None:
    target = signing_keys.record_name(key)
    audit.note(request, action, place.account, target, algorithm=key.algorithm, **details)
