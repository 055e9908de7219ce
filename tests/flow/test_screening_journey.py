"""What a site sends is judged on its way out: spam stays here, and much of it stops the site."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from tests.flow.test_main_job import SCRIPTS_EMAILS, act, arrived
from tests.support.house import ACCOUNT, House, house
from tests.support.pages import Pages
from tests.support.php import SUCCESS, guide_script
from tests.support.remote import Remote
from tests.support.spam import (
    DUBIOUS_SUBJECT,
    DUBIOUS_TEXT,
    HONEST_SUBJECT,
    HONEST_TEXT,
    MALWARE,
    SPAM_SUBJECT,
    SPAM_TEXT,
)
from tests.support.waiting import eventually

# Sends so many of spam and of honest mail in turn, and prints how many were taken.
MIXED = """<?php
$taken = 0;
for ($n = {start}; $n < {end}; $n++) {{
    $taken += mail("spam-$n@example.org", {subject}, {spam},
        'From: "PayPal Service" <service@boutique.example>');
    $taken += mail("honest-$n@example.org", "Commande $n", {honest}, "From: site@boutique.example");
}}
echo $taken;
"""
INFECTED = """<?php
echo mail("infected@example.org", "Facture", {body}, [
    "From" => "site@boutique.example",
    "MIME-Version" => "1.0",
    "Content-Type" => 'multipart/mixed; boundary="b"',
]);
"""
# What was put into a site to send spam: nobody's names, a new link in each, people it never met.
INJECTED = """<?php
$taken = 0;
for ($n = 0; $n < 80; $n++) {{
    $taken += mail("stranger-$n@example.net", "Hallo $n", str_replace("LINK", "https://b$n.top/x",
        {text}), 'From: "Anna ' . $n . '" <a' . $n . '@boutique.example>');
}}
echo $taken;
"""
NEWS = (
    "Bonjour,\n\nles nouvelles de la saison sont là, avec nos conseils pour bien choisir et une "
    "visite de notre atelier. Nous vous attendons.\nLINK\n"
)
ROUNDS, EACH = 3, 50


@pytest.fixture(scope="module")
def unlimited(mx: Remote) -> Iterator[House]:
    """A house that stops nobody for spam; it holds it all the same."""
    with house(
        smarthost=f"127.0.0.1:{mx.port}",
        lease_seconds="3",
        sweep_seconds="1",
        spam_messages="0",
        spam_recipients="0",
    ) as new:
        new.start()
        yield new
    print(new.output)


def quoted(text: str) -> str:
    """Text as PHP takes it in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return '"' + escaped.replace("\n", "\\n") + '"'


def send(home: House, to: str, subject: str, text: str) -> None:
    result = home.php(guide_script(to, subject, quoted(text)))
    assert result.stdout == SUCCESS, result.stderr


def send_spam(home: House, to: str) -> None:
    send(home, to, SPAM_SUBJECT, SPAM_TEXT)


def held(home: House) -> list[str]:
    return sorted(row["recipient"] for row in home.queue() if row["status"] == "held")


def badge(pages: Pages) -> str:
    """The state of the service, as its page shows it."""
    found = re.search(r'class="badge[^>]*>([^<]*)<', pages.get(SCRIPTS_EMAILS).text)
    assert found
    return found[1].strip()


def test_spam_is_held_and_honest_mail_arrives(home: House, mx: Remote) -> None:
    send_spam(home, "victim@example.org")
    send(home, "marie@example.org", HONEST_SUBJECT, HONEST_TEXT)
    send(home, "pierre@example.org", DUBIOUS_SUBJECT, DUBIOUS_TEXT)
    eventually(lambda: arrived(mx, "marie@example.org") and arrived(mx, "pierre@example.org"))
    eventually(lambda: held(home) == ["victim@example.org"])
    assert not arrived(mx, "victim@example.org")
    assert (home.total("spam"), home.total("spam_messages"), home.total("held")) == (1, 1, 1)
    home.wait_for_line("status=spam")


def test_what_is_held_as_spam_stays_when_a_stop_ends(home: House, mx: Remote) -> None:
    pages = home.pages()
    act(pages, "block")
    send(home, "waits@example.org", HONEST_SUBJECT, HONEST_TEXT)
    eventually(lambda: held(home) == ["victim@example.org", "waits@example.org"])
    act(pages, "unblock")
    eventually(lambda: arrived(mx, "waits@example.org"))
    assert held(home) == ["victim@example.org"]
    assert home.ledger()[ACCOUNT]["held"] == 1


def test_five_spams_stop_the_site_and_a_purge_lets_it_go_on(home: House, mx: Remote) -> None:
    pages = home.pages()
    for number in range(5):
        send_spam(home, f"victim{number}@example.org")
    eventually(lambda: badge(pages) == "SPAM")
    send(home, "late@example.org", HONEST_SUBJECT, HONEST_TEXT)
    eventually(lambda: len(held(home)) == 7)
    home.wait_for_line("rule=spam_detected")
    refused = pages.post(f"{SCRIPTS_EMAILS}unblock/", referrer=pages.get(SCRIPTS_EMAILS))
    assert refused.status == 409
    act(pages, "purge")
    eventually(lambda: badge(pages) == "Activé")
    assert home.queue() == []
    send(home, "after@example.org", HONEST_SUBJECT, HONEST_TEXT)
    eventually(lambda: arrived(mx, "after@example.org"))
    addresses = {one for message in list(mx.messages) for one in message.recipients}
    assert not {one for one in addresses if one.startswith(("victim", "late"))}
    assert home.ledger()[ACCOUNT]["purged"] == 7


def test_one_message_with_malware_stops_the_site(home: House, mx: Remote) -> None:
    pages = home.pages()
    body = MALWARE.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n").decode()
    result = home.php(INFECTED.format(body=quoted(body)))
    assert result.stdout == "1", result.stderr
    eventually(lambda: badge(pages) == "SPAM")
    assert not arrived(mx, "infected@example.org")
    act(pages, "purge")
    eventually(lambda: home.queue() == [])


def test_a_worker_that_is_killed_meanwhile_judges_each_message_once(
    unlimited: House, mx: Remote
) -> None:

    def has_judged(least: int) -> bool:
        return unlimited.total("spam_messages") >= least

    for number in range(ROUNDS):
        script = MIXED.format(
            start=number * EACH,
            end=(number + 1) * EACH,
            subject=quoted(SPAM_SUBJECT),
            spam=quoted(SPAM_TEXT),
            honest=quoted(HONEST_TEXT),
        )
        assert unlimited.php(script).stdout == str(2 * EACH)
        eventually(partial(has_judged, number * EACH + 1))
        killed = unlimited.kill("worker")
        unlimited.wait_for_program("worker", other_than=killed)
    expected = {f"honest-{number}@example.org" for number in range(ROUNDS * EACH)}

    def sent() -> Counter[str]:
        return Counter(one for message in list(mx.messages) for one in message.recipients)

    eventually(lambda: sent().keys() >= expected, 60)
    eventually(lambda: len(held(unlimited)) == ROUNDS * EACH, 30)
    assert not {one for one in sent() if one.startswith("spam-")}
    assert unlimited.total("spam_messages") == unlimited.total("spam") == ROUNDS * EACH
    assert unlimited.ledger()[ACCOUNT]["held"] == ROUNDS * EACH


def test_an_injected_mailer_is_held_for_how_it_behaves(unlimited: House, mx: Remote) -> None:
    before = len(held(unlimited))
    result = unlimited.php(INJECTED.format(text=quoted(NEWS)), name="wp-cache.php")
    assert result.stdout == "80"

    def strangers() -> int:
        found = {one for message in list(mx.messages) for one in message.recipients}
        return sum(one.startswith("stranger-") for one in found)

    eventually(lambda: strangers() + len(held(unlimited)) - before == 80, 30)
    # One such letter is nothing; the first ones showed what it is.
    assert 0 < strangers() < 40
    # The site's other scripts send as before.
    send(unlimited, "marie@example.net", HONEST_SUBJECT, HONEST_TEXT)
    eventually(lambda: arrived(mx, "marie@example.net"))
