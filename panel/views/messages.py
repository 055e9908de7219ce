"""One message: what it says, to whom it went, what became of it; and its download.

Whoever looks into a message leaves an entry in the journal of its account.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from mailqueue import false_alarms, messages, queue, script_view
from mailqueue.models import HostingAccount, Message
from panel import audit, finding_words, overruling, preview
from panel.access import SignedInRequest, account_for, may_act, only, signed_in
from panel.forms import PlaceForm
from panel.models import Membership, User
from panel.views.errors import NotAllowed

# No script, no form, no way out, nothing from elsewhere; `data:` pictures and styles alone.
POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
# The page and the document in it are looked at once.
ONE_LOOK = timedelta(minutes=10)
# The headers that everybody knows; the others stand in a list of their own.
KNOWN = ("from", "to", "cc", "reply-to", "subject", "date")


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str, queue_id: str) -> HttpResponse:
    """What a message says and what became of it."""
    account, message = wanted_message(request, service_name, queue_id)
    place = PlaceForm(request.GET)
    place.is_valid()
    after = place.cleaned_data.get("after") or 0
    found = messages.recipients_page(message, after)
    content = _content(request, account, message, audit.Action.PREVIEW, once=after > 0)
    seen = None if content is None else preview.take_apart(content)
    with timezone.override(account.time_zone):
        return render(
            request,
            "messages/page.html",
            {
                "account": account,
                "tab": "scripts_emails",
                "message": message,
                "script": script_view.script_of(message),
                "seen": seen,
                "known": known(seen),
                "recipients": [
                    {
                        "recipient": row,
                        "status": capfirst(row.get_status_display()),
                        "why": row.get_hold_reason_display(),
                    }
                    for row in found.rows
                ],
                "is_first": not after,
                "next_after": found.next_after,
                **_judged(request, account, message),
            },
        )


@only("GET")
@signed_in
@xframe_options_sameorigin
def html(request: SignedInRequest, service_name: str, queue_id: str) -> HttpResponse:
    """The HTML of a message as a document of its own, locked up by its policy."""
    account, message = wanted_message(request, service_name, queue_id)
    content = _content(request, account, message, audit.Action.PREVIEW, once=True)
    return document(content)


@only("GET")
@signed_in
def download(request: SignedInRequest, service_name: str, queue_id: str) -> HttpResponse:
    """The message as it went out, as a file."""
    account, message = wanted_message(request, service_name, queue_id)
    content = _content(request, account, message, audit.Action.DOWNLOAD)
    return file(content, message.queue_id)


def document(content: bytes | None) -> HttpResponse:
    """The HTML of a message as a document, locked up. Raises Http404 where there is none."""
    seen = preview.take_apart(content or b"")
    if not seen.html:
        raise Http404
    response = HttpResponse(seen.html, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = POLICY
    # The policy has no word for names that a browser looks up beforehand.
    response["X-DNS-Prefetch-Control"] = "off"
    response["Referrer-Policy"] = "no-referrer"
    return response


def file(content: bytes | None, queue_id: str) -> HttpResponse:
    """A message as a file. Raises Http404 where its content is not kept."""
    if content is None:
        raise Http404
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{queue_id}.eml"'
    return response


def may_preview(user: User, account: HostingAccount) -> bool:
    """Whether somebody who sees an account may look into its messages."""
    if user.is_staff and settings.ADMIN_PREVIEWS:
        return True
    return Membership.objects.filter(user=user, account=account).exists()


def check_preview(user: User, account: HostingAccount) -> None:
    """Raise NotAllowed where previews are switched off for somebody who sees an account."""
    if not may_preview(user, account):
        raise NotAllowed(
            _("On this server, administrators do not look into the messages of an account.")
        )


def wanted_message(
    request: SignedInRequest, service_name: str, queue_id: str
) -> tuple[HostingAccount, Message]:
    """The account and its message. Raises Http404; NotAllowed where previews are switched off."""
    account = account_for(request.user, service_name)
    check_preview(request.user, account)
    message = messages.find(account, queue_id)
    if message is None:
        raise Http404
    return account, message


def _content(
    request: SignedInRequest,
    account: HostingAccount,
    message: Message,
    action: audit.Action,
    *,
    once: bool = False,
) -> bytes | None:
    """The message, if it is still kept; that somebody looked at it is noted before."""
    with transaction.atomic():
        content = queue.content_of(message.pk)
        if content is not None:
            note_look(request, account, message.queue_id, action, once=once)
    return content


def _judged(
    request: SignedInRequest, account: HostingAccount, message: Message
) -> dict[str, object]:
    """What screening found, and whether somebody may say that it is wrong, for the template."""
    judgement = false_alarms.judgement_of(message)
    score = message.spam_score
    if judgement is None:
        return {"score": None if score is None else overruling.points(score)}
    why_not = overruling.why_not(account, judgement, as_administrator=request.user.is_staff)
    return {
        "judgement": judgement,
        "verdict": overruling.verdict(judgement),
        "findings": finding_words.told(finding_words.kept(judgement.findings)),
        "may_act": may_act(request.user, account),
        "why_not_wanted": why_not,
    }


def note_look(
    request: SignedInRequest,
    account: HostingAccount,
    queue_id: str,
    action: audit.Action,
    *,
    once: bool,
) -> None:
    """Note that somebody looks into a message; with `once` a look goes on that is noted already."""
    since = timezone.now() - ONE_LOOK
    if not (once and audit.has_noted(request, action, account, queue_id, since)):
        audit.note(request, action, account, queue_id)


def known(seen: preview.Preview | None) -> list[tuple[str, str]]:
    """Those headers that everybody knows, in their usual order, under their names here."""
    names = {
        "from": _("From"),
        "to": _("To"),
        "cc": _("Copy to"),
        "reply-to": _("Reply to"),
        "subject": _("Subject"),
        "date": _("Date"),
    }
    if seen is None:
        return []
    return [
        (names[wanted], value)
        for wanted in KNOWN
        for name, value in seen.headers
        if name.lower() == wanted
    ]
