"""The page « Scripts emails »: what it says, and its fragment."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from mailqueue import queue, service
from mailqueue.models import AccountTotals, HostingAccount, QuarterCount, QueueJob, StateChange
from mailqueue.outcomes import Outcome, Result
from panel.models import User
from tests.panel.conftest import HTMX, Browse, Submit

PAGE = "/web/hosting/boutique.example/scripts-emails/"
LIVE = PAGE + "live/"
NBSP = "\N{NO-BREAK SPACE}"


def _words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split(" ")).replace("\n", " ")


def _live_url(text: str) -> str:
    found = re.search(r'id="live" hx-get="([^"]+)"', text)
    assert found
    return unescape(found[1])


def _button(text: str, event: str) -> str:
    found = re.search(rf'<button[^>]*id="action-{event}"[^>]*>.*?</button>', text, re.DOTALL)
    assert found
    return found[0]


def test_it_says_it_in_the_words_of_the_guide(browse: Browse, owner: User) -> None:
    text = browse(owner).get(PAGE).content.decode()
    for words in (
        "Scripts emails",
        "État du service",
        "Rapport d’erreurs à",
        "contact@boutique.example",
        "Total des e-mails envoyés",
        "E-mails envoyés aujourd’hui",
        "Total des e-mails en erreur",
        "Historique des e-mails envoyés",
        "Bloquer l’envoi",
        "Débloquer l’envoi",
        "Purger les e-mails",
        "Voir le tableau",
        "La file d’attente est vide.",
    ):
        assert words in text
    assert '<span class="badge state-ok">Activé</span>' in text


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("ok", "Activé"),
        ("force", "Force"),
        ("ko", "Désactivé"),
        ("bounce", "Bounce"),
        ("spam", "SPAM"),
        ("purging", "Purge en cours"),
    ],
)
def test_it_shows_each_state_in_words_and_colour(
    browse: Browse, owner: User, state: str, word: str
) -> None:
    HostingAccount.objects.update(state=state)
    text = browse(owner).get(PAGE).content.decode()
    assert f'<span class="badge state-{state}">{word}</span>' in text
    assert ("explanation-stopped" in text) == (state not in {"ok", "force"})


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("ok", {"block"}),
        ("force", {"block"}),
        ("ko", {"unblock", "purge"}),
        ("bounce", {"unblock", "purge"}),
        ("spam", {"purge"}),
        ("purging", set()),
    ],
)
def test_buttons_that_do_not_apply_are_disabled_and_say_why(
    browse: Browse, owner: User, state: str, allowed: set[str]
) -> None:
    HostingAccount.objects.update(state=state)
    text = browse(owner).get(PAGE).content.decode()
    for event in ("block", "unblock", "purge"):
        button = _button(text, event)
        assert (" disabled" in button) == (event not in allowed)
        line = re.search(r'-line">([^<]+)<', button)
        assert line
    # Those that apply stand first.
    order = re.findall(r'<button[^>]*id="action-(\w+)"', text)
    assert set(order[: len(allowed)]) == allowed


def test_a_reader_has_no_button_to_press(browse: Browse, reader: User) -> None:
    text = browse(reader).get(PAGE).content.decode()
    for event in ("block", "unblock", "purge"):
        assert " disabled" in _button(text, event)
    assert "Vous pouvez consulter cet hébergement, mais pas le modifier." in text


def test_a_stopped_service_explains_itself(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    service.block(account.pk, "claire", timezone.now())
    words = _words(browse(owner).get(PAGE).content.decode())
    assert "L’envoi est bloqué" in words
    assert "Par claire, aujourd’hui à " in words
    assert f"l’état passera en «{NBSP}Activé{NBSP}»." in words


def test_it_gives_the_reason_of_a_rule_escaped(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    now = timezone.now()
    HostingAccount.objects.update(state="bounce", state_changed_at=now)
    StateChange.objects.create(
        account=account,
        changed_at=now,
        event="ratio_exceeded",
        from_state="ok",
        to_state="bounce",
        actor="ratio",
        reason="118 errors of 376 <b>",
    )
    text = browse(owner).get(PAGE).content.decode()
    assert f"L’envoi est arrêté{NBSP}: trop d’e-mails reviennent en erreur" in text
    assert "118 errors of 376 &lt;b&gt;" in text
    assert "<b>" not in text
    assert "Automatiquement, aujourd’hui à " in text
    assert "Retirez les adresses inconnues de vos listes." in text


def test_figures_read_as_the_language_has_them(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    AccountTotals.objects.update(accepted=48_213, sent=47_301, failed=912)
    text = browse(owner).get(PAGE).content.decode()
    assert f"48{NBSP}213 <small>depuis le 3 mars 2021</small>" in text
    assert "912 <small>(1,9\N{NARROW NO-BREAK SPACE}%)</small>" in text
    english = browse(owner)
    english.post("/language/", {"language": "en"})
    text = english.get(PAGE).content.decode()
    assert "48,213 <small>since March 3, 2021</small>" in text
    assert "912 <small>(1.9%)</small>" in text


def test_the_table_is_the_source_of_the_chart(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    now = timezone.now()
    start = now.replace(minute=0, second=0, microsecond=0)
    QuarterCount.objects.create(account=account, start=start, sent=1500, failed=20)
    submit(now)
    text = browse(owner).get(PAGE).content.decode()
    table = text[text.index('<table id="history">') :]
    table = table[: table.index("</table>")]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table)
    assert len(rows) == 30
    assert re.findall(r'<data value="(\d+)">', rows[-1]) == ["1500", "20", "1"]
    assert f">1{NBSP}500</data>" in rows[-1]


def _rows(text: str) -> list[str]:
    """The rows of the chart's table."""
    table = text[text.index('<table id="history"') :]
    return re.findall(r'<tr><th scope="row".*?</tr>', table[: table.index("</table>")])


def _href(text: str, name: str) -> str:
    found = re.search(rf'<a[^>]*id="{name}"[^>]*href="([^"#]*)#', text)
    return unescape(found[1]) if found else ""


def _day(back: int) -> str:
    """A day of the account, so many days ago."""
    here = timezone.now().astimezone(ZoneInfo("Europe/Paris")).date()
    return (here - timedelta(days=back)).isoformat()


@pytest.mark.parametrize(
    ("query", "chosen", "number", "span"),
    [
        ("", "30d", 30, "30 derniers jours"),
        ("?period=24h", "24h", 24, "Dernières 24 heures"),
        ("?period=7d", "7d", 7, "7 derniers jours"),
        ("?period=90d", "90d", 90, "90 derniers jours"),
        ("?period=1y", "30d", 30, "30 derniers jours"),
        ("?period=%00&day=x&earlier=-1", "30d", 30, "30 derniers jours"),
    ],
)
def test_the_chart_has_the_period_that_is_chosen(
    browse: Browse, owner: User, query: str, chosen: str, number: int, span: str
) -> None:
    text = browse(owner).get(PAGE + query).content.decode()
    assert len(_rows(text)) == number
    assert re.findall(r'id="period-(\w+)" aria-current="true"', text) == [chosen]
    assert f'role="status">{span}' in text
    assert _href(text, "period-30d") == PAGE
    assert _href(text, "period-90d") == PAGE + "?period=90d"
    assert "zoom-back" not in text


def test_the_figures_beside_the_chart_do_not_depend_on_it(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    now = timezone.now()
    midnight = now.astimezone(ZoneInfo("Europe/Paris")).replace(hour=0, minute=0, second=0)
    start = midnight.astimezone(UTC).replace(microsecond=0)
    QuarterCount.objects.create(account=account, start=start, sent=70, failed=7)
    for query in ("", "?period=24h", "?period=90d", f"?day={_day(3)}"):
        words = _words(browse(owner).get(PAGE + query).content.decode())
        assert re.search(r"E-mails envoyés aujourd’hui\s+77\s+7 en erreur", words)


def test_a_day_leads_to_its_hours_and_back(browse: Browse, owner: User) -> None:
    client = browse(owner)
    text = client.get(PAGE + "?period=7d&after=3").content.decode()
    way = _href(text, f"day-{_day(2)}")
    assert way == f"{PAGE}?after=3&period=7d&day={_day(2)}"
    text = client.get(way).content.decode()
    assert len(_rows(text)) in {23, 24, 25}
    assert "00:00–01:00" in _rows(text)[0]
    assert "Revenir aux 7 derniers jours" in text
    assert 'aria-current="true" href' not in text
    assert _href(text, "zoom-back") == PAGE + "?after=3&period=7d"
    assert _href(text, "zoom-previous").endswith(f"day={_day(3)}")
    assert _href(text, "zoom-next").endswith(f"day={_day(1)}")
    # Hours lead nowhere further.
    assert 'id="day-' not in text
    today = client.get(f"{PAGE}?day={_day(0)}").content.decode()
    assert "zoom-next" not in today


def test_a_day_on_which_the_account_was_not_there_is_none_to_choose(
    browse: Browse, owner: User
) -> None:
    born = timezone.now() - timedelta(days=5)
    HostingAccount.objects.update(created_at=born)
    client = browse(owner)
    text = client.get(PAGE).content.decode()
    assert _href(text, f"day-{_day(5)}")
    assert not _href(text, f"day-{_day(6)}")
    assert "zoom-previous" not in client.get(f"{PAGE}?day={_day(5)}").content.decode()
    for day in (_day(6), _day(-1), "0001-01-01", "9999-12-31", "2026-02-30", "x"):
        text = client.get(PAGE, {"day": day}).content.decode()
        assert len(_rows(text)) == 30
        assert "zoom-back" not in text


def test_the_fragment_keeps_the_chart_and_its_links_keep_the_queue(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    submit(timezone.now(), recipients=tuple(f"r{n:02d}@example.org" for n in range(45)))
    client = browse(owner)
    text = client.get(PAGE + "?period=7d").content.decode()
    assert client.get(_live_url(text), headers=HTMX).status_code == 204
    assert re.search(r'id="queue-next"[^>]*href="[^"]*\?after=\d+&amp;period=7d#', text)

    way = re.search(r'id="period-90d"[^>]* hx-get="([^"]*)"', text)
    assert way
    fragment = client.get(unescape(way[1]), headers=HTMX).content.decode()
    assert len(_rows(fragment)) == 90
    assert "period=90d" in _live_url(fragment)
    assert client.get(_live_url(fragment), headers=HTMX).status_code == 204

    # An action in a dialog leaves the chart as it stands.
    current = f"http://testserver{PAGE}?period=7d&day={_day(1)}"
    headers = HTMX | {"HX-Current-URL": current}
    fragment = client.post(PAGE + "block/", headers=headers).content.decode()
    assert "Revenir aux 7 derniers jours" in fragment
    assert f"day={_day(1)}" in _live_url(fragment)


def test_what_changed_the_state_is_told_in_words(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    now = timezone.now()
    text = browse(owner).get(PAGE).content.decode()
    assert "L’état n’a jamais changé." in text
    for event, before, after, actor, reason in (
        ("block", "ok", "ko", "<b>claire", ""),
        ("ratio_exceeded", "ok", "bounce", "ratio", "118 errors of 376 <b>"),
    ):
        StateChange.objects.create(
            account=account,
            changed_at=now,
            event=event,
            from_state=before,
            to_state=after,
            actor=actor,
            reason=reason,
        )
    text = browse(owner).get(PAGE).content.decode()
    text = text[text.index('id="part-changes"') :]
    rows = text[text.index("<tbody>") : text.index("</tbody>")].split("</tr>")
    assert "Aujourd’hui à " in rows[0]
    assert "Part d’e-mails en erreur trop élevée" in rows[0]
    assert "118 errors of 376 &lt;b&gt;" in rows[0]
    assert "<bdi>Règle automatique</bdi>" in rows[0]
    assert re.findall(r"state-\w+", rows[0]) == ["state-ok", "state-bounce"]
    assert "Envoi bloqué" in rows[1]
    assert "<bdi>&lt;b&gt;claire</bdi>" in rows[1]
    assert re.findall(r">(\w+)</span>", rows[1]) == ["de", "Activé", "à", "Désactivé"]


def test_changes_of_state_come_ten_at_a_time(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(owner)
    service.block(account.pk, "actor00", timezone.now())
    few = queries(lambda: client.get(PAGE))
    for number in range(1, 25):
        click = service.unblock if number % 2 else service.block
        click(account.pk, f"actor{number:02d}", timezone.now())
    assert queries(lambda: client.get(PAGE)) <= few
    seen, page = [], PAGE + "?period=7d"
    for _ in range(3):
        text = client.get(page).content.decode()
        text = text[text.index('id="part-changes"') :]
        seen.append(re.findall(r"actor\d\d", text))
        page = _href(text, "changes-earlier")
        assert ("Retour aux plus récents" in text) == (len(seen) > 1)
        assert _href(text, "changes-newest") in {"", PAGE + "?period=7d"}
    assert [len(part) for part in seen] == [10, 10, 5]
    everybody = [name for part in seen for name in part]
    assert everybody == [f"actor{n:02d}" for n in reversed(range(25))]
    assert page == ""


def test_the_queue_shows_each_e_mail_with_its_countdown(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    now = timezone.now()
    service.block(account.pk, "claire", now)
    submit(now - timedelta(hours=1, minutes=2), subject="Réinitialisation")
    text = browse(owner).get(PAGE).content.decode()
    words = _words(text[text.index('id="part-queue"') :])
    assert "Réinitialisation" in words
    assert "client1@example.org" in words
    assert "commande.php" in words
    assert f"Retenu{NBSP}: service bloqué" in words
    assert f"1{NBSP}h{NBSP}02" in words
    assert f"70{NBSP}h{NBSP}57" in words


def test_a_deferred_e_mail_tells_the_reply_and_its_next_try(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    now = timezone.now()
    submit(now)
    claimed = queue.claim_due(now, 1, timedelta(minutes=1))
    outcome = Outcome(Result.DEFERRED, "451 try <later>", "4.7.1")
    queue.record([(claimed[0], outcome)], now)
    text = browse(owner).get(PAGE).content.decode()
    assert "Prochain essai " in text
    assert "451 try &lt;later&gt;" in text


def test_it_shows_hostile_text_escaped(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    hostile = '"><script>alert(1)</script>'
    submit(timezone.now(), subject=hostile, script=hostile)
    HostingAccount.objects.update(report_to=hostile)
    text = browse(owner).get(PAGE).content.decode()
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3


def test_the_queue_comes_in_pages_by_number(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    submit(timezone.now(), recipients=tuple(f"r{n:02d}@example.org" for n in range(45)))
    client = browse(owner)
    page, seen = PAGE, []
    for _ in range(3):
        text = client.get(page).content.decode()
        seen += re.findall(r"r\d\d@example.org", text)
        found = re.search(r'id="queue-next"[^>]*href="([^"#]+)', text)
        page = found[1] if found else ""
        assert f"{page.partition('?')[2]}" in text
    assert seen == [f"r{n:02d}@example.org" for n in range(45)]
    assert page == ""


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "", "\0"])
def test_nonsense_for_a_place_in_the_queue_is_its_start(
    browse: Browse, owner: User, submit: Submit, after: str
) -> None:
    submit(timezone.now())
    text = browse(owner).get(PAGE, {"after": after}).content.decode()
    assert "client1@example.org" in text


def test_large_numbers_of_rows_stay_plain_in_addresses(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    submit(timezone.now(), recipients=tuple(f"r{n}@example.org" for n in range(1300)))
    text = browse(owner).get(PAGE, {"after": "1200"}).content.decode()
    assert re.search(r'id="queue-next" rel="next" href="[^"]*\?after=\d{4,}#', text)


def test_a_running_job_shows_how_far_it_has_come(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    HostingAccount.objects.update(state="purging")
    QueueJob.objects.create(
        account=account, kind="purge", through_id=9, total=2000, done=500, actor="x", created_at=now
    )
    text = browse(owner).get(PAGE).content.decode()
    assert '<progress id="progress" max="100" value="25">' in text
    assert f"Purge en cours{NBSP}: 500 e-mails sur 2{NBSP}000." in text


def test_the_fragment_is_empty_until_something_changes(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    client = browse(owner)
    url = _live_url(client.get(PAGE).content.decode())
    unchanged = client.get(url, headers=HTMX)
    assert (unchanged.status_code, unchanged.content) == (204, b"")

    submit(timezone.now())
    changed = client.get(url, headers=HTMX)
    text = changed.content.decode()
    assert changed.status_code == 200
    # Only what has changed comes: nothing else loses its place.
    assert set(re.findall(r'id="(part-\w+)"', text)) == {"part-history", "part-queue"}
    assert "client1@example.org" in text
    assert client.get(_live_url(text), headers=HTMX).status_code == 204

    service.block(account.pk, "claire", timezone.now())
    text = client.get(_live_url(text), headers=HTMX).content.decode()
    assert "Désactivé" in text
    assert 'id="part-actions"' in text
    assert "<html" not in text


def test_the_fragment_keeps_the_place_in_the_queue(
    browse: Browse, owner: User, submit: Submit
) -> None:
    submit(timezone.now(), recipients=tuple(f"r{n:02d}@example.org" for n in range(45)))
    client = browse(owner)
    text = client.get(PAGE, {"after": "20"}).content.decode()
    assert client.get(_live_url(text), headers=HTMX).status_code == 204


@pytest.mark.parametrize("version", ["", "x", "-", "a-b-c-d-e-f", "\0", "é"])
def test_an_unknown_version_gets_everything(browse: Browse, owner: User, version: str) -> None:
    response = browse(owner).get(LIVE, {"version": version}, headers=HTMX)
    assert response.content.decode().count("hx-swap-oob") == 8


def test_the_fragment_alone_leads_to_its_page(browse: Browse, owner: User) -> None:
    assert browse(owner).get(LIVE)["Location"] == PAGE


def test_more_mail_makes_no_more_queries(
    browse: Browse,
    owner: User,
    submit: Submit,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(owner)
    submit(timezone.now())
    few = queries(lambda: client.get(PAGE))
    for _ in range(15):
        submit(timezone.now())
    assert queries(lambda: client.get(PAGE)) == few
    assert few <= 14


def test_every_page_says_that_nothing_leaves_the_machine(
    browse: Browse, owner: User, settings: object
) -> None:
    said = f"<strong>Simulateur{NBSP}:</strong> rien ne quitte cette machine."
    pages = ("/web/hosting/", "/web/hosting/boutique.example/", PAGE, "/password/", "/nowhere/")
    for page in pages:
        assert said in browse(owner).get(page).content.decode()
    assert said in browse(None).get("/login/").content.decode()
    settings.ROUTE = "smarthost"  # type: ignore[attr-defined]
    for page in pages:
        assert said not in browse(owner).get(page).content.decode()


def test_what_an_alert_said_goes_when_the_state_changes_again(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    client = browse(owner)
    client.post(PAGE + "block/")
    answer = client.post(PAGE + "unblock/", headers={**HTMX, "HX-Current-URL": PAGE})
    text = answer.content.decode()
    assert "L’envoi est débloqué." in text

    submit(timezone.now())
    text = client.get(_live_url(text), headers=HTMX).content.decode()
    assert 'id="alerts"' not in text

    service.report_spam(account.pk, "Plainte", timezone.now())
    text = client.get(_live_url(text), headers=HTMX).content.decode()
    assert re.search(r'<div id="alerts" hx-swap-oob="innerHTML">\s*</div>', text)


def test_the_queue_tells_how_much_it_holds(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    def heading() -> str:
        text = browse(owner).get(PAGE).content.decode()
        found = re.search(r'<h2 id="queue-title">.*?</small>', text)
        assert found
        return " ".join(_words(found[0]).split())

    HostingAccount.objects.update(hourly_quota=1)
    submit(timezone.now())
    assert heading() == "File d’attente 1 e-mail"
    submit(timezone.now(), size_bytes=1536 * 1024)
    assert heading() == "File d’attente 2 e-mails, dont 1 retenu (1,5 Mo)"


def test_a_queue_that_is_all_held_tells_its_size(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    service.block(account.pk, "claire", timezone.now())
    for _ in range(2):
        submit(timezone.now(), size_bytes=1536 * 1024)
    text = browse(owner).get(PAGE).content.decode()
    assert f"2 e-mails, 3,0{NBSP}Mo</small>" in text
