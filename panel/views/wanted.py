"""« Marquer comme souhaité »: an e-mail that was judged spam goes, and its rules weigh less."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import false_alarms, queue
from mailqueue.errors import IllegalTransition
from mailqueue.models import HostingAccount, Judgement, Message
from mailqueue.tasks import follow_up
from panel import audit, overruling, queue_words
from panel.access import SignedInRequest, account_to_change, only, signed_in
from panel.views.messages import wanted_message


@only("GET", "POST")
@signed_in
def page(request: SignedInRequest, service_name: str, queue_id: str) -> HttpResponse:
    """What it means, and « Valider »; 409 if it cannot be done.

    An administrator may let it go as well, and leave the rules as they are.
    """
    account_to_change(request.user, service_name)
    account, message = wanted_message(request, service_name, queue_id)
    judgement = false_alarms.judgement_of(message)
    if judgement is None or not judgement.is_spam:
        raise Http404
    is_staff = request.user.is_staff
    obstacle = overruling.why_not(account, judgement, as_administrator=is_staff)
    held = false_alarms.held_of(message, queue.MOST_CHOSEN)
    if not obstacle and judgement.wanted_at is not None and not held:
        obstacle = _("It is wanted already")
    if request.method == "POST" and not obstacle:
        try:
            if is_staff and "only" in request.POST:
                _release(request, account, message, held)
            else:
                _want(request, account, judgement)
        except IllegalTransition:
            # A click of somebody else came between.
            account.refresh_from_db()
            obstacle = overruling.why_not(account, judgement, as_administrator=is_staff)
        else:
            follow_up()
            return redirect("message", service_name, queue_id)
    outlook = false_alarms.outlook(account, [message.pk], with_malware=is_staff)
    context = {
        "account": account,
        "tab": "scripts_emails",
        "message": message,
        "obstacle": obstacle,
        "has_malware": judgement.has_malware,
        "sentences": overruling.sentences(outlook),
        "lost": overruling.lost(outlook.falls),
        "may_only_release": is_staff and bool(held),
    }
    return render(request, "messages/wanted.html", context, status=409 if obstacle else 200)


def _want(request: SignedInRequest, account: HostingAccount, judgement: Judgement) -> None:
    with transaction.atomic():
        wanted = queue.mark_wanted(
            account.pk,
            [judgement.message_id],
            timezone.now(),
            actor=request.user.get_username(),
            as_administrator=request.user.is_staff,
        )
        number = wanted.let_go + wanted.over_quota
        if number or wanted.queue_ids:
            queue_id = judgement.message.queue_id
            audit.note(request, audit.Action.MARK_WANTED, account, queue_id, number=number)
    messages.success(request, overruling.done(wanted))


def _release(
    request: SignedInRequest, account: HostingAccount, message: Message, held: list[int]
) -> None:
    with transaction.atomic():
        number = queue.release_chosen(account.pk, held, timezone.now(), as_administrator=True)
        if number:
            action = audit.Action.RELEASE_CHOSEN
            audit.note(request, action, account, message.queue_id, number=number)
    messages.success(request, queue_words.released(number))
