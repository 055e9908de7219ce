"""kill -9 in the middle of 500 mails: what mail() said was taken arrives, and the ledger holds."""

import subprocess
from collections import Counter

import pytest

from tests.support import php
from tests.support.house import ACCOUNT, House
from tests.support.remote import Remote
from tests.support.waiting import eventually

MAILS = 500
SENDERS = 2
# Sends its share and prints the number of each mail that was taken.
LOOP = """<?php
for ($number = %d; $number < %d; $number++)
    if (mail("to-%s-$number@example.org", "Number $number", "Mail number $number\\n"))
        echo "$number\\n";
"""


def send_many(home: House, run: str) -> "list[subprocess.Popen[str]]":
    """Start the PHP processes that send all mails of a run."""
    share = MAILS // SENDERS
    senders = []
    for number in range(SENDERS):
        script = home.scripts / f"{run}-{number}.php"
        script.write_text(LOOP % (number * share, (number + 1) * share, run))
        senders.append(
            subprocess.Popen(
                php.command(script, home.sendmail),
                cwd=home.scripts,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
    return senders


def taken(senders: "list[subprocess.Popen[str]]", run: str) -> set[str]:
    """The recipients of all mails whose mail() was true, when all senders have ended."""
    outputs = [sender.communicate(timeout=120)[0] for sender in senders]
    numbers = "".join(outputs).split()
    return {f"to-{run}-{number}@example.org" for number in numbers}


def deliveries(mx: Remote, run: str) -> Counter[str]:
    """How often each recipient of a run got its mail."""
    return Counter(
        address
        for message in list(mx.messages)
        for address in message.recipients
        if address.startswith(f"to-{run}-")
    )


@pytest.mark.parametrize("victim", ["relay", "worker", "redis"])
def test_no_mail_is_lost(home: House, mx: Remote, victim: str) -> None:
    accepted_before = home.total("accepted")
    senders = send_many(home, victim)
    eventually(lambda: sum(deliveries(mx, victim).values()) >= MAILS // 5, 60)
    killed = home.kill(victim)
    expected = taken(senders, victim)
    home.wait_for_program(victim, other_than=killed)

    # While one of them was away the shim kept the mail, so nothing was refused.
    assert len(expected) == MAILS
    eventually(lambda: deliveries(mx, victim).keys() >= expected, 60)
    eventually(lambda: home.queue() == [], 30)
    # A lost reply to the shim makes no second message: the hand-over has a number.
    assert home.ledger()[ACCOUNT]["accepted"] == accepted_before + MAILS
    twice = sum(deliveries(mx, victim).values()) - MAILS
    print(f"{victim} killed: {twice} of {MAILS} delivered twice")
    # What was in the worker's hands may go out again; no more than that.
    assert twice <= (MAILS // 5 if victim == "worker" else 0)


def test_mail_that_came_while_the_house_stood_still_is_delivered(home: House, mx: Remote) -> None:
    home.stop()
    senders = send_many(home, "away")
    expected = taken(senders, "away")
    assert len(expected) == MAILS
    assert deliveries(mx, "away") == Counter()
    assert len(list((home.data / "maildrop").iterdir())) == MAILS

    home.start()
    eventually(lambda: deliveries(mx, "away").keys() >= expected, 60)
    eventually(lambda: home.queue() == [], 30)
    assert set(deliveries(mx, "away").values()) == {1}
    assert list((home.data / "maildrop").iterdir()) == []
    home.ledger()
