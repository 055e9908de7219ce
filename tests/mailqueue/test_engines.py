"""What workers know of Rspamd and ClamAV: kept by machine, and told when one is away for long."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from mailqueue import accounts, engines
from mailqueue.engines import HEARD_WITHIN, KEPT, TOLD_AFTER, Known
from mailqueue.models import Alert, EngineState

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _both(settings: Any) -> None:
    settings.RSPAMD, settings.CLAMD = ("127.0.0.1", 11333), "/run/clamd.sock"


def away(since: datetime, asked: datetime, words: str = "Connection refused") -> Known:
    return Known(False, since, asked, words=words, missed=12)


def test_what_is_kept_is_what_is_loaded(now: datetime) -> None:
    known = Known(
        False,
        now,
        now + MINUTE,
        judged_at=now,
        words="no answer in time",
        failures=2,
        rests=3,
        rest_until=now + 2 * MINUTE,
        answers=17,
        mean_ms=8.25,
        missed=4,
    )
    engines.keep("web1", {"rspamd": known, "clamav": Known(True, now, now)})
    assert engines.load("web1") == {"rspamd": known, "clamav": Known(True, now, now)}
    assert engines.load("web2") == {}
    engines.keep("web1", {"rspamd": Known(True, now, now)})
    assert engines.load("web1")["rspamd"] == Known(True, now, now)
    assert EngineState.objects.count() == 2


def test_words_of_an_engine_are_kept_in_bounds(now: datetime) -> None:
    engines.keep("web1", {"rspamd": away(now, now, "a\0b" * 1000)})
    assert engines.load("web1")["rspamd"].words == ("ab" * 1000)[:300]


def test_a_change_of_state_begins_a_new_time(now: datetime) -> None:
    known = Known(True, now, now, missed=9)
    same = known.after(now + MINUTE, is_answering=True)
    assert (same.since, same.asked_at) == (now, now + MINUTE)
    gone = same.after(now + 2 * MINUTE, is_answering=False, words="refused")
    assert (gone.since, gone.words, gone.missed) == (now + 2 * MINUTE, "refused", 0)
    back = gone.after(now + 3 * MINUTE, is_answering=True)
    assert (back.since, back.words) == (now + 3 * MINUTE, "refused")


def test_administrators_are_told_once_of_what_is_away_for_long(now: datetime) -> None:
    system = accounts.system(now)
    late = now + TOLD_AFTER
    engines.keep("web1", {"clamav": away(now, late)})
    engines.keep("web2", {"clamav": away(now + MINUTE, late), "rspamd": Known(True, now, late)})
    assert engines.tell(system.pk, late - MINUTE) == 0
    assert engines.tell(system.pk, late) == 1
    assert engines.tell(system.pk, late + MINUTE) == 0
    alert = Alert.objects.get()
    assert (alert.account, alert.kind) == (system, Alert.Kind.ENGINE)
    assert alert.figures == {
        "engine": "ClamAV",
        "since": now.isoformat(),
        "words": "Connection refused",
        "missed": 12,
    }


def test_the_next_time_that_it_is_away_is_told_again(now: datetime) -> None:
    system = accounts.system(now)
    for since in (now, now + timedelta(hours=3)):
        engines.keep("web1", {"rspamd": away(since, since + TOLD_AFTER)})
        assert engines.tell(system.pk, since + TOLD_AFTER) == 1


def test_nothing_is_told_of_what_nobody_asks_any_more(now: datetime, settings: Any) -> None:
    system = accounts.system(now)
    engines.keep("gone", {"clamav": away(now, now)})
    assert engines.tell(system.pk, now + TOLD_AFTER + HEARD_WITHIN) == 0
    engines.keep("web1", {"clamav": away(now, now + TOLD_AFTER)})
    settings.CLAMD = None
    assert engines.set_up() == ["rspamd"]
    assert engines.tell(system.pk, now + TOLD_AFTER) == 0


def test_rows_of_machines_that_are_gone_go_after_a_day(now: datetime) -> None:
    engines.keep("gone", {"clamav": away(now, now)})
    engines.keep("here", {"clamav": away(now, now + MINUTE)})
    assert engines.prune(now + KEPT) == 0
    assert engines.prune(now + KEPT + MINUTE) == 1
    assert [row.node for row in engines.rows()] == ["here"]
