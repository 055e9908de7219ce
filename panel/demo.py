"""A demo account with thirty days of believable history, for whoever sees Facteur the first time.

The history is made by the queue itself, at a clock that is set back and stepped forward: what was
accepted, deferred, sent and failed is counted as it always is, and the ledger holds. All of it has
ended when it is done, so nothing of it is ever sent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from django.db import transaction

from mailqueue import accounts, queue
from mailqueue.models import HostingAccount, Message
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Claimed, Submission
from panel.models import ReportProgress

SERVICE_NAME = "boutique-demo.example"
SENDER = f"contact@{SERVICE_NAME}"
DAYS = 30
LEASE = timedelta(minutes=5)

# Recipients on an ordinary day from Monday to Sunday, and how a day's mail spreads over it, two
# hours at a time: a shop that is busy before noon and in the evening.
BY_WEEKDAY = (184, 192, 178, 176, 166, 100, 76)
BY_TWO_HOURS = (1, 0, 1, 6, 16, 19, 13, 16, 13, 13, 14, 6)

# What the shop's scripts send, and how often in a hundred: script, subject, text.
LETTERS = (
    (44, "commande.php", "Confirmation de votre commande n° {number}",
     "Bonjour {name},\n\nMerci pour votre commande n° {number}. Nous la préparons.\n"),
    (22, "expedition.php", "Votre colis est en route",
     "Bonjour {name},\n\nVotre commande n° {number} vient de partir.\n"),
    (14, "contact.php", "Message de {name} par le formulaire de contact",
     "{name} a écrit :\n\nAvez-vous la lampe en bleu ? Merci.\n"),
    (11, "mot-de-passe.php", "Réinitialisation de votre mot de passe",
     "Bonjour {name},\n\nVoici le lien que vous avez demandé ; il vaut une heure.\n"),
    (9, "facture.php", "Votre facture F-{number}",
     "Bonjour {name},\n\nVotre facture F-{number} vous attend dans votre espace client.\n"),
)  # fmt: skip

FIRST_NAMES = (
    "Camille", "Louise", "Emma", "Alice", "Chloé", "Manon", "Inès", "Sarah", "Nora", "Jeanne",
    "Lucas", "Hugo", "Louis", "Nathan", "Jules", "Adam", "Karim", "Paul", "Théo", "Gabriel",
)  # fmt: skip
LAST_NAMES = (
    "Martin", "Bernard", "Thomas", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau",
    "Laurent", "Simon", "Michel", "Lefebvre", "Leroy", "Roux", "David", "Bertrand", "Morel",
)  # fmt: skip
# Domains and their servers, none of which can exist (RFC 2606), and how often in a hundred.
PLACES = (
    (46, "courrier.example", "mx1.courrier.example"),
    (27, "boite.example", "mx.boite.example"),
    (17, "example.org", "mail.example.org"),
    (10, "example.net", "mx2.example.net"),
)

FAILURES = (
    (60, "5.1.1", "550 5.1.1 <{address}>: Recipient address rejected: User unknown"),
    (16, "5.2.2", "552 5.2.2 <{address}>: Mailbox full"),
    (14, "5.2.1", "550 5.2.1 The email account that you tried to reach is disabled"),
    (10, "5.7.1", "554 5.7.1 Message rejected because of unacceptable content"),
)
GREYLISTED = Outcome(
    Result.DEFERRED, "451 4.7.1 Greylisted, please try again in 5 minutes", "4.7.1"
)
GREYLISTED_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class Step:
    """A moment of the history, how many recipients are written to, and the share that fails."""

    moment: datetime
    number: int
    failing: float


def create(
    uid: int, now: datetime, random: Random, progress: Callable[[int], None]
) -> HostingAccount:
    """Make the demo account for a Unix user; all of it or nothing.

    `progress` hears the number of days done. Raises ValidationError if the uid or the name is
    taken.
    """
    first = now - timedelta(days=DAYS)
    with transaction.atomic():
        account = accounts.create(SERVICE_NAME, first, uid=uid, report_to=SENDER)
        day = None
        for step in _steps(ZoneInfo(account.time_zone), first, now, random):
            queue.accept(
                [_letter(account, uid, step.moment, random) for _ in range(step.number)],
                step.moment,
            )
            _deliver(account, step.moment, step.failing, random)
            if day is not None and step.moment.date() != day:
                progress(min(DAYS, (step.moment - first).days))
            day = step.moment.date()
        # What was deferred in the last minutes goes out now: nothing may be left to be sent.
        for late in (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=5)):
            _deliver(account, now, 0, random, due=now + late)
        # Its history is nobody's news: no report goes out for it.
        ReportProgress.objects.create(
            account=account, through=now.astimezone(ZoneInfo(account.time_zone)).date()
        )
    progress(DAYS)
    return account


def _steps(zone: ZoneInfo, first: datetime, now: datetime, random: Random) -> Iterator[Step]:
    """A step in each two hours with mail, at a minute of chance, from `first` to before `now`."""
    day = first.astimezone(zone).date()
    while day <= now.astimezone(zone).date():
        size = BY_WEEKDAY[day.weekday()] * random.uniform(0.85, 1.15)
        failing = random.uniform(0.01, 0.04)
        for number_of_step, weight in enumerate(BY_TWO_HOURS):
            hour = 2 * number_of_step + random.randrange(2)
            moment = _moment(day, hour, random.randrange(60), zone)
            number = round(size * weight / sum(BY_TWO_HOURS) * random.uniform(0.7, 1.3))
            if number and first <= moment < now:
                yield Step(moment, number, failing)
        day += timedelta(days=1)


def _moment(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=zone).astimezone(UTC)


def _letter(account: HostingAccount, uid: int, moment: datetime, random: Random) -> Submission:
    _, script, subject, text = random.choices(LETTERS, [row[0] for row in LETTERS])[0]
    first_name, last_name = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    _, domain, _ = random.choices(PLACES, [row[0] for row in PLACES])[0]
    words = {"name": f"{first_name} {last_name}", "number": random.randrange(10_000, 99_999)}
    address = f"{_plain(first_name)}.{_plain(last_name)}{random.randrange(100)}@{domain}"
    content = (
        f"Date: {moment:%a, %d %b %Y %H:%M:%S} +0000\r\n"
        f"From: {SENDER}\r\n"
        f"To: {address}\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n"
        "\r\n"
    ) + text.format(**words).replace("\n", "\r\n")
    return Submission(
        account_id=account.pk,
        sender=SENDER,
        recipients=(address,),
        content=content.encode(),
        size_bytes=len(content.encode()),
        subject=subject.format(**words),
        origin=Message.Origin.SOCKET,
        script=script,
        folder="/var/www/boutique-demo",
    )


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans("éèïç", "eeic"))


def _deliver(
    account: HostingAccount,
    now: datetime,
    failing: float,
    random: Random,
    due: datetime | None = None,
) -> None:
    """Try what is due by `due` (or now); what others have in the queue is left alone."""
    claimed = queue.claim_due(due or now, 1000, LEASE)
    queue.give_back([item for item in claimed if item.account_id != account.pk], now)
    ours = [item for item in claimed if item.account_id == account.pk]
    queue.record([(item, _outcome(item, failing, random)) for item in ours], now)


def _outcome(claimed: Claimed, failing: float, random: Random) -> Outcome:
    host = next(server for _, domain, server in PLACES if domain == claimed.domain)
    if random.random() < failing:
        _, status, reply = random.choices(FAILURES, [row[0] for row in FAILURES])[0]
        return Outcome(Result.FAILED, reply.format(address=claimed.address), status, host)
    # Some servers turn a stranger away the first time; `failing` is 0 at the very end.
    if failing and claimed.tries == 0 and random.random() < GREYLISTED_SHARE:
        return Outcome(Result.DEFERRED, GREYLISTED.reply, GREYLISTED.status, host)
    return Outcome(Result.DELIVERED, "250 2.0.0 Ok: queued", "2.0.0", host)
