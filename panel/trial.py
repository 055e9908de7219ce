"""« Envoyer un e-mail de test »: a true message of the account, and what became of it.

It goes the way of all its mail, and is counted like it: so the way is what is tested.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from mailqueue import maillog, queue
from mailqueue.bounces import Category
from mailqueue.celery import DELIVER, hint
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue import Submission
from mailqueue.states import DELIVERING
from panel import throttle, wording

# Told as the script of such a message, as far as scripts tell.
SCRIPT = "facteur-test"
# For one account within an hour; a form must not become a mailer.
MOST_TESTS = 5


class QueueFull(Exception):
    """The account has as much mail held as it may have."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the way: its name, how it stands (fine, look, pending), what there is to say."""

    name: str
    mark: str
    text: str
    quoted: str = ""
    advice: str = ""

    @property
    def word(self) -> str:
        """How it stands, in words."""
        return {"fine": _("Done"), "look": _("To look at"), "pending": _("In progress")}[self.mark]


def refusal(account: HostingAccount) -> str:
    """Why no test can be sent now, "" if one can."""
    if account.closed_at is not None:
        return _("This hosting plan is closed.")
    if account.state not in DELIVERING:
        return _("Sending is blocked: a test e-mail would only wait in the queue.")
    return ""


def send(account: HostingAccount, address: str, now: datetime) -> str:
    """Put a test message into the queue; return its queue id.

    Raises TooOften, QueueFull; django.db.Error, UnknownAccount or InvalidSubmission if it cannot
    be kept.
    """
    throttle.count(f"test-mail-{account.pk}", MOST_TESTS, now)
    submission = _submission(account, address)
    [receipt] = queue.accept([submission], now)
    if receipt.is_refused:
        raise QueueFull
    maillog.accepted(receipt.queue_id, submission)
    return receipt.queue_id


def deliver() -> None:
    """Tell workers of it, once it is durable. Waits as long as `hint` may."""
    hint(DELIVER)


def find(account: HostingAccount, queue_id: str) -> Recipient | None:
    """The recipient of a test message of this account, None if there is no such message."""
    return (
        Recipient.objects.filter(
            account=account,
            message__queue_id=queue_id,
            message__account=account,
            message__origin=Message.Origin.PANEL,
            message__script=SCRIPT,
        )
        .select_related("message")
        .first()
    )


def steps(row: Recipient, now: datetime) -> list[Step]:
    """How far a test has come: taken over, sent, answered."""
    return [_accepted(row, now), _sent(row, now), _answered(row)]


def _accepted(row: Recipient, now: datetime) -> Step:
    text = _("Taken over %(moment)s, under the number %(number)s.") % {
        "moment": wording.moment(row.accepted_at, now),
        "number": row.message.queue_id,
    }
    return Step(_("Accepted"), "fine", text)


def _sent(row: Recipient, now: datetime) -> Step:
    name = pgettext("test e-mail", "Sent")
    if row.status in {Recipient.Status.SENT, Recipient.Status.FAILED}:
        return Step(name, "fine", _("The other server was asked to take it."), row.reply_host)
    if row.status == Recipient.Status.HELD:
        if row.hold_reason == Recipient.HoldReason.OVERFLOW:
            return Step(name, "look", _("Held: the quota is used up. It goes out by itself later."))
        if row.hold_reason == Recipient.HoldReason.SPAM:
            return Step(name, "look", _("Held: it was judged to be spam."))
        return Step(name, "look", _("Held: the service was blocked meanwhile."))
    if row.status == Recipient.Status.SENDING:
        return Step(
            name, "pending", _("It is being sent to the server of this domain:"), row.domain
        )
    if row.status == Recipient.Status.WAITING:
        if row.next_attempt_at is not None and row.next_attempt_at > now:
            moment = wording.moment(row.next_attempt_at, now)
            return Step(name, "pending", _("Next try %(moment)s.") % {"moment": moment})
        return Step(name, "pending", _("It is about to leave."))
    if row.status == Recipient.Status.SUPPRESSED:
        text = _("Not sent: the address is excluded. “Excluded addresses” tells why.")
        return Step(name, "look", text)
    return Step(name, "look", _("It was taken out of the queue without being sent."))


def _answered(row: Recipient) -> Step:
    name = _("Answer of the other server")
    category = Category(row.category or Category.UNDEFINED)
    cause = {"cause": wording.category_word(category).lower()}
    if row.returned_at is not None:
        text = _("Taken first, then sent back: %(cause)s.") % cause
        return Step(name, "look", text, row.reply, wording.advice(category))
    if row.complained_at is not None:
        return Step(name, "look", _("Delivered, then reported as spam."), row.reply)
    if row.status == Recipient.Status.SENT:
        advice = (
            _("Nothing left this machine: it lies in the mailbox of the simulator.")
            if settings.ROUTE == "simulator"
            else _("If it is not in the mailbox, look into the folder for spam.")
        )
        return Step(name, "fine", _("Delivered."), row.reply, advice)
    if row.status == Recipient.Status.FAILED:
        text = _("Refused: %(cause)s.") % cause
        return Step(name, "look", text, row.reply, wording.advice(category))
    if row.reply and row.ended_at is None:
        return Step(name, "pending", _("Put off by the other server, or out of reach:"), row.reply)
    if row.ended_at is not None:
        return Step(name, "look", _("There is none."))
    return Step(name, "pending", _("There is none yet."))


def _submission(account: HostingAccount, address: str) -> Submission:
    sender = f"contact@{account.service_name}"
    words = {"account": account.service_name}
    letter = EmailMessage(
        _("Test e-mail of %(account)s") % words,
        _(
            "This e-mail was sent from the page “Script e-mails” of %(account)s.\n"
            "If you read it, sending works.\n"
        )
        % words,
        sender,
        [address],
        headers={"Message-ID": make_msgid(domain=settings.HOSTNAME)},
    )
    content = letter.message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return Submission(
        account_id=account.pk,
        sender=sender,
        recipients=(address,),
        content=content,
        size_bytes=len(content),
        subject=str(letter.subject),
        origin=Message.Origin.PANEL,
        script=SCRIPT,
    )
