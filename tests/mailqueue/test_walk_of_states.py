"""Whatever happens to an account in whatever order, its counts are those of its rows.

A machine hands over, delivers, fails, clicks, chooses, drips, expires and waits, in slices small
enough that clicks fall between them; after each step every count is compared with the rows, and the
promises that hold in every state are looked at.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count, Q, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailqueue import accounts, ledger, limits, policy, queue, scripts, service, windows
from mailqueue.errors import IllegalTransition, UnknownScript
from mailqueue.judgements import Judged
from mailqueue.models import (
    AccountTotals,
    Body,
    HostingAccount,
    Message,
    MinuteCount,
    QuarterCount,
    QueueJob,
    Recipient,
    Script,
    ScriptCount,
    ScriptJob,
    StateChange,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from mailqueue.screening import Finding, Verdict
from mailqueue.scripts import Seen
from mailqueue.states import DELIVERING, State

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(minutes=2)
START = datetime(2026, 3, 2, 10, 7, 30, tzinfo=UTC)
OUTCOMES = {
    "delivered": Outcome(Result.DELIVERED, "250 ok", "2.0.0"),
    "unknown": Outcome(Result.FAILED, "550 5.1.1 User unknown", "5.1.1"),
    "later": Outcome(Result.DEFERRED, "451 later", "4.0.0"),
}
CLEAN = Verdict(is_spam=False, score=0.0, findings=())
SPAM = Verdict(is_spam=True, score=6.0, findings=(Finding("credentials", 6.0, "text"),))
# A moment, within the windows, past a lease, past an hour, past the time that mail is held.
PAUSES = [timedelta(**pause) for pause in (
    {"seconds": 1}, {"minutes": 1}, {"minutes": 3}, {"minutes": 11}, {"minutes": 61}, {"hours": 25},
)]  # fmt: skip
SCRIPTS = ("a.php", "b.php")
STEPS: dict[str, Callable[[int, str, datetime], Script]] = {
    "block": lambda pk, key, now: service.block_script(pk, key, "a", now),
    "unblock": service.unblock_script,
    "purge": service.purge_script,
}
PKS = st.lists(st.integers(0, 200), min_size=1, max_size=6)
AMONG = st.integers(0, 3)


class Walk(RuleBasedStateMachine):
    """Two accounts with small limits, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.claims: list[queue.Claimed] = []
        self.numbers = count(1)
        self.all: AbstractContextManager[object] = nullcontext()

    @initialize(quota=st.sampled_from([0, 3, 8]), hold=st.sampled_from([0, 12]))
    def begin(self, quota: int, hold: int) -> None:
        # Without a commit for each step it walks further in the same time.
        if connection.vendor == "sqlite":
            self.all = transaction.atomic()
        self.all.__enter__()
        self.pks = [accounts.create(name, START).pk for name in ("un.example", "deux.example")]
        HostingAccount.objects.update(
            hourly_quota=quota, daily_quota=3 * quota, fast_limit=15, error_limit=12,
            hold_limit=hold, hold_hours=24,
        )  # fmt: skip
        with transaction.atomic():
            scripts.see(
                [Seen(pk, name, "", Message.Origin.SOCKET) for pk in self.pks for name in SCRIPTS],
                START,
            )

    def teardown(self) -> None:
        assert all(line.is_balanced for line in ledger.check())
        self.all.__exit__(None, None, None)
        for model in (
            ScriptJob, ScriptCount, Script, QueueJob, StateChange, Recipient, Body, Message,
            MinuteCount, QuarterCount, AccountTotals, HostingAccount,
        ):  # fmt: skip
            model._default_manager.all().delete()

    def _click(self, verb: Callable[..., object], *args: Any, **options: Any) -> None:
        with suppress(IllegalTransition):
            verb(*args, **options)
        self._tick()

    def _tick(self) -> None:
        self.now += timedelta(milliseconds=1)

    @rule(pause=st.sampled_from(PAUSES))
    def wait(self, pause: timedelta) -> None:
        self.now += pause

    @rule(
        of=AMONG,
        number=st.integers(1, 5),
        is_late=st.booleans(),
        size=st.integers(0, 3000),
        script=st.sampled_from(SCRIPTS),
    )
    def hand_over(self, of: int, number: int, is_late: bool, size: int, script: str) -> None:
        pk = self.pks[of // 3]
        origin = Message.Origin.MAILDROP if is_late else Message.Origin.SOCKET
        to = tuple(f"r{next(self.numbers)}@example.org" for _ in range(number))
        content = b"Subject: a\r\n\r\n" + b"x" * size + b"\r\n"
        mail = Submission(
            pk, "site@un.example", to, content, len(content), "a", origin, script=script
        )
        room = self._room(pk)
        before = AccountTotals.objects.get(pk=pk).admitted
        [receipt] = queue.accept([mail], self.now)
        assert room is None or AccountTotals.objects.get(pk=pk).admitted - before <= room
        if receipt.nears_limit:
            service.judge_arrivals([pk], self.now)
        self._tick()

    @rule(limit=st.integers(1, 8))
    def claim(self, limit: int) -> None:
        self.claims += queue.claim_due(self.now, limit, LEASE)
        self._tick()

    @precondition(lambda self: self.claims)
    @rule(ends=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=5))
    def record(self, ends: list[str]) -> None:
        taken, self.claims = self.claims[: len(ends)], self.claims[len(ends) :]
        outcomes = [(item, OUTCOMES[end]) for item, end in zip(taken, ends, strict=False)]
        done = queue.record(outcomes, self.now)
        failed = {
            item.claimed.account_id for item in done if item.status is Recipient.Status.FAILED
        }
        service.judge_failures(failed, self.now)
        self._tick()

    @precondition(lambda self: self.claims)
    @rule()
    def clear(self) -> None:
        """As a worker does: what may not go is given back; what may, is of an account that runs."""
        cleared = queue.cleared(self.claims)
        for row in Recipient.objects.filter(pk__in=cleared).select_related("account"):
            let_go_at = row.admitted_at if row.is_released else None
            is_let_go = let_go_at is not None and let_go_at >= row.account.state_changed_at
            assert row.account.state in DELIVERING or is_let_go
            assert row.pk > row.account.purged_through
            assert not self._is_stopped(row)
        queue.give_back([c for c in self.claims if c.recipient_id not in cleared], self.now)
        self.claims = [c for c in self.claims if c.recipient_id in cleared]

    @precondition(lambda self: self.claims)
    @rule(are_spam=st.lists(st.booleans(), min_size=1, max_size=3))
    def judge(self, are_spam: list[bool]) -> None:
        """As a worker does, of all that it has in hand."""
        unjudged = {c.message_id: c for c in self.claims if not c.is_judged}
        numbers = queue.addressees_of(unjudged)
        verdicts = [SPAM if are_spam[n % len(are_spam)] else CLEAN for n in range(len(unjudged))]
        judged = [
            Judged(
                *(c.message_id, c.account_id, verdict, numbers[c.message_id].number),
                *(c.script, c.folder, c.origin),
            )
            for c, verdict in zip(unjudged.values(), verdicts, strict=True)
        ]
        sentence = queue.judge(judged, self.claims, self.now)
        service.judge_spam(sentence.struck, self.now)
        again = [c for c in self.claims if c.is_spam and not c.is_released]
        queue.hold_spam(again, self.now)
        self._tick()

    @rule()
    def recover_leases(self) -> None:
        queue.recover_leases(self.now)

    @rule(of=AMONG, is_administrator=st.booleans())
    def block(self, of: int, is_administrator: bool) -> None:
        pk = self.pks[of // 3]
        self._click(service.block, pk, "a", self.now, by_administrator=is_administrator)

    @rule(of=AMONG, is_administrator=st.booleans())
    def unblock(self, of: int, is_administrator: bool) -> None:
        pk = self.pks[of // 3]
        self._click(service.unblock, pk, "a", self.now, by_administrator=is_administrator)

    @rule(of=AMONG, is_administrator=st.booleans(), stays=st.booleans())
    def purge(self, of: int, is_administrator: bool, stays: bool) -> None:
        pk = self.pks[of // 3]
        stays = stays and is_administrator
        options = {"stay_blocked": stays, "by_administrator": is_administrator}
        self._click(service.purge, pk, "a", self.now, **options)

    @rule(of=AMONG)
    def lift(self, of: int) -> None:
        self._click(service.lift, self.pks[of // 3], "a", self.now)

    @rule(of=AMONG)
    def report_spam(self, of: int) -> None:
        self._click(service.report_spam, self.pks[of // 3], "complaints", self.now)

    @rule(of=AMONG, name=st.sampled_from(SCRIPTS), step=st.sampled_from(sorted(STEPS)))
    def stop_one_script(self, of: int, name: str, step: str) -> None:
        """The first slice alone: others follow when there is work."""
        pk, key = self.pks[of // 3], scripts.key_of(name, "", Message.Origin.SOCKET)
        with suppress(UnknownScript):
            script = STEPS[step](pk, key, self.now)
            service.advance_script(script.pk, self.now, 3)
        self._tick()

    @rule(of=AMONG, places=PKS, is_administrator=st.booleans())
    def release_chosen(self, of: int, places: list[int], is_administrator: bool) -> None:
        pk = self.pks[of // 3]
        chosen = self._chosen(pk, places)
        options = {"as_administrator": is_administrator}
        self._click(queue.release_chosen, pk, chosen, self.now, **options)

    @rule(of=AMONG, places=PKS)
    def purge_chosen(self, of: int, places: list[int]) -> None:
        pk = self.pks[of // 3]
        self._click(queue.purge_chosen, pk, self._chosen(pk, places), self.now)

    def _chosen(self, pk: int, places: list[int]) -> list[int]:
        live = Recipient.objects.filter(account=pk, status__in=Recipient.LIVE)
        pks = list(live.order_by("pk").values_list("pk", flat=True))
        return [pks[place % len(pks)] for place in places] if pks else []

    @rule()
    def drip(self) -> None:
        """What goes is the head of the line, as far as the quotas have room."""
        lines = {pk: self._line(pk) for pk in self.pks}
        rooms = {pk: self._room(pk) for pk in self.pks}
        after: int | None = 0
        while after is not None:
            _, after = service.drip_due(self.now, after)
        for account in HostingAccount.objects.all():
            line, room = lines[account.pk], rooms[account.pk]
            can_go = len(line) if room is None else min(room, len(line))
            gone = can_go if account.state in DELIVERING else 0
            assert self._line(account.pk) == line[gone:]
        self._tick()

    def _line(self, pk: int) -> list[int]:
        overflow = Recipient.objects.filter(account=pk, hold_reason="overflow")
        return list(overflow.order_by("pk").values_list("pk", flat=True))

    def _room(self, pk: int) -> int | None:
        account = HostingAccount.objects.get(pk=pk)
        return policy.room(limits.of(account), windows.usages([account], self.now)[pk])

    @rule()
    def work(self) -> None:
        for job in service.open_jobs():
            service.advance(job, self.now, 3)
        for number in service.open_script_jobs():
            service.advance_script(number, self.now, 3)
        self._tick()

    @rule()
    def finish_work(self) -> None:
        while jobs := service.open_jobs():
            for job in jobs:
                service.advance(job, self.now, 3)
        while numbers := service.open_script_jobs():
            for number in numbers:
                service.advance_script(number, self.now, 3)
        self._tick()

    @rule()
    def expire(self) -> None:
        queue.expire(self.now)

    @rule(of=AMONG, quota=st.sampled_from([0, 2, 9]))
    def change_the_quota(self, of: int, quota: int) -> None:
        accounts.change(self.pks[of // 3], hourly_quota=quota)

    @rule()
    def recover(self) -> None:
        service.recover(self.now)

    @invariant()
    def counts_are_those_of_the_rows(self) -> None:
        is_held = Q(status="held")
        rows = (
            Recipient.objects.order_by()
            .values("account")
            .annotate(
                accepted=Count("pk"),
                held=Count("pk", filter=is_held),
                overflow=Count("pk", filter=is_held & Q(hold_reason="overflow")),
                held_bytes=Sum("message__size_bytes", filter=is_held, default=0),
                admitted=Count("pk", filter=Q(admitted_at__isnull=False)),
                **{end: Count("pk", filter=Q(status=end)) for end in Recipient.ENDED},
            )
        )
        by_account = {row["account"]: dict[str, object](row) for row in rows}
        names = ("accepted", "admitted", "bounced", "spam", "spam_messages", *Recipient.ENDED)
        quarters = (
            QuarterCount.objects.order_by()
            .values("account")
            .annotate(**{f"all_{name}": Sum(name) for name in names})
        )
        counted = {row["account"]: dict[str, object](row) for row in quarters}
        for totals in AccountTotals.objects.all():
            for name, number in by_account.get(totals.pk, {}).items():
                assert name == "account" or getattr(totals, name) == number, name
            for name in names:
                in_quarters = counted.get(totals.pk, {}).get(f"all_{name}", 0)
                assert getattr(totals, name) == in_quarters, name

    @invariant()
    def what_rests_is_where_its_state_has_it(self) -> None:
        """Where no job is at work: nothing waits in a stopped service, nothing is forgotten."""
        at_work = QueueJob.objects.filter(finished_at=None).values("account")
        for account in HostingAccount.objects.exclude(pk__in=at_work):
            rows = Recipient.objects.filter(account=account)
            if account.state in DELIVERING:
                assert not rows.filter(status="held", hold_reason="blocked").exists()
            else:
                waiting = rows.filter(status="waiting")
                let_go = Q(is_released=True, admitted_at__gte=account.state_changed_at)
                assert not waiting.exclude(let_go).exists()
            assert not rows.filter(status__in=["waiting", "held"], pk__lte=account.purged_through)
            assert account.state != State.PURGING

    def _is_stopped(self, row: Recipient) -> bool:
        script = row.message.script
        blocked = Script.objects.filter(
            account=row.account_id, name=script, blocked_at__isnull=False
        ).first()
        return (
            blocked is not None
            and blocked.blocked_at is not None
            and not row.was_let_go_since(blocked.blocked_at)
        )

    @invariant()
    def what_a_blocked_script_sent_rests_and_no_other(self) -> None:
        """Where no job is at work for it."""
        at_work = set(ScriptJob.objects.values_list("script__account", "script__name"))
        held = Q(status="held", hold_reason__in=["script", "blocked", "overflow"])
        rows = Recipient.objects.filter(Q(status="waiting") | held).select_related("message")
        for row in rows:
            if (row.account_id, row.message.script) not in at_work:
                assert (row.hold_reason == "script") == self._is_stopped(row)
        for account in HostingAccount.objects.all():
            blocked = Script.objects.filter(account=account, blocked_at__isnull=False)
            assert account.blocks_scripts == blocked.exists()

    @invariant()
    def spam_is_counted_once_and_rests_until_somebody_lets_it_go(self) -> None:
        spam = Message.objects.filter(is_spam=True)
        counted = AccountTotals.objects.aggregate(number=Sum("spam_messages"))
        assert counted["number"] == spam.count()
        held = Recipient.objects.filter(hold_reason="spam")
        assert held.filter(message__is_spam=True).count() == held.count()

    @invariant()
    def bodies_stay_as_long_as_somebody_needs_them(self) -> None:
        needed = Q(recipients__status__in=[*Recipient.LIVE, Recipient.Status.FAILED])
        wanted = set(Message.objects.filter(needed).values_list("pk", flat=True))
        assert set(Body.objects.values_list("pk", flat=True)) == wanted


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.advance, "__defaults__", (3,))


def test_counts_and_states_hold_whatever_happens(db: None) -> None:
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=20,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
