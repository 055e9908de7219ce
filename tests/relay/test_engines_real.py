"""The engines as they are: Debian's Rspamd and ClamAV, on loopback."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from mailqueue.screening import Context, Finding, screen
from relay.engines import Envelope
from relay.engines.clamd import Clamd
from relay.engines.exchange import NoAnswer
from relay.engines.rspamd import Rspamd
from relay.engines.symbols import OF_ENVELOPE
from tests.support import engines
from tests.support.engines import letter
from tests.support.letters import Text, texts
from tests.support.nameserver import Nameserver, nameserver

ENVELOPE = Envelope(7, "boutique.example", "K5Q2V7TIAXZM", "www@boutique.example", ("m@c.example",))
HONEST = texts("honest")


@pytest.fixture(scope="module")
def names() -> Iterator[Nameserver]:
    with nameserver() as server:
        yield server


@pytest.fixture(scope="module")
def rspamd(names: Nameserver) -> Iterator[Rspamd]:
    with engines.rspamd(names.address) as address:
        yield Rspamd(address)


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with engines.clamd() as address:
        yield Clamd(address)


def ask(engine: Rspamd | Clamd, content: bytes) -> Sequence[Finding]:
    return asyncio.run(engine.ask(content, ENVELOPE))


def test_both_say_that_they_are_there(rspamd: Rspamd, clamd: Clamd) -> None:
    asyncio.run(rspamd.ping())
    asyncio.run(clamd.ping())


def test_clamav_recognises_a_virus_in_an_attachment(clamd: Clamd) -> None:
    (found,) = ask(clamd, letter("Voici la facture.", engines.EICAR))
    assert (found.rule, found.where) == ("virus", "attachment")
    assert found.details == {"what": "Eicar-Test-Signature.UNOFFICIAL"}
    verdict = screen(letter("Voici la facture."), Context(observed=(found,)))
    assert (verdict.is_spam, verdict.has_malware) == (True, True)


def test_clamav_finds_nothing_in_an_honest_letter(clamd: Clamd) -> None:
    assert ask(clamd, letter("Merci pour votre commande.")) == ()


def test_clamav_takes_the_largest_message_and_passes_over_what_it_may_not_take(
    clamd: Clamd,
) -> None:
    assert ask(clamd, b"x" * 10_485_760) == ()
    # More than StreamMaxLength of its settings: it says so, and that is no fault of it.
    assert ask(clamd, b"x" * 13_000_000) == ()


def test_rspamd_knows_what_is_spam(rspamd: Rspamd) -> None:
    (found,) = ask(rspamd, letter(engines.GTUBE.decode()))
    assert (found.rule, found.score, found.where) == ("rspamd", 3.5, "message")
    assert found.details == {"what": "reject", "score": "15.0", "most": "15.0"}


def test_rspamd_alone_convicts_nobody_but_adds_to_what_is_found_otherwise(rspamd: Rspamd) -> None:
    found = tuple(ask(rspamd, letter(engines.GTUBE.decode())))
    alone = screen(letter("Merci pour votre commande."), Context(observed=found))
    assert (alone.score, alone.is_spam) == (3.5, False)
    shouting = letter("Merci.", subject="GAGNEZ DES MILLIONS VITE !!")
    together = screen(shouting, Context(observed=found))
    assert together.score > 3.5


def test_rspamd_names_what_counts_in_a_letter_of_a_broken_site(rspamd: Rspamd) -> None:
    (text,) = (text for text in texts("abuse") if text.name == "second-lnk")
    (found,) = ask(rspamd, text.message())
    assert found.details["what"].startswith("MIME_DOUBLE_BAD_EXTENSION 10.1")
    # Eleven points of fifteen are as much of the weight.
    assert found.score == pytest.approx(3.5 * float(found.details["score"]) / 15, abs=0.02)
    assert 2 < found.score < 3


def test_rspamd_does_not_judge_mail_that_leaves_as_if_it_came_in(
    rspamd: Rspamd, names: Nameserver
) -> None:
    names.asked.clear()
    assert ask(rspamd, letter("Suivez-la sur https://liens.example/suivi/1234.")) == ()
    asked = [name for name, _kind in names.asked]
    # Lists of links are asked; nothing is asked for SPF, DKIM, DMARC, or by an address.
    assert any(name.startswith("liens.example.") for name in asked)
    assert not [name for name in asked if name.startswith(("_dmarc.", "127.", "1.0.0.127."))]
    assert not [name for name in asked if "_domainkey" in name or name == "boutique.example"]
    assert not [name for name in asked if "in-addr.arpa" in name]


def test_the_profile_of_the_documentation_takes_the_place_of_the_one_that_is_sent(
    names: Nameserver,
) -> None:
    assert all(f'"{symbol}"' in engines.PROFILE.read_text() for symbol in OF_ENVELOPE)
    with engines.rspamd(names.address, with_profile=True) as address:
        names.asked.clear()
        assert ask(Rspamd(address), letter("Bonjour, https://liens.example/")) == ()
        assert not [name for name, _kind in names.asked if name.startswith("_dmarc.")]
        (found,) = ask(Rspamd(address), letter(engines.GTUBE.decode()))
        assert found.score == 3.5


@pytest.mark.parametrize("text", HONEST[::6], ids=lambda text: text.name)
def test_rspamd_finds_next_to_nothing_in_honest_letters(rspamd: Rspamd, text: Text) -> None:
    message = text.message()
    found = tuple(ask(rspamd, message))
    assert not screen(message, Context(observed=found)).is_spam
    assert sum(finding.score for finding in found) < 1.2, found


def test_an_engine_that_is_not_there_says_so(rspamd: Rspamd) -> None:
    with closing(asyncio.new_event_loop()) as loop, pytest.raises(OSError, match=r"[Cc]onnect"):
        loop.run_until_complete(Clamd(("127.0.0.1", 9)).ask(b"x", ENVELOPE))
    with pytest.raises(OSError, match="No such file"):
        asyncio.run(Rspamd("/nowhere/rspamd.sock").ping())


def test_one_engine_is_not_taken_for_the_other(rspamd: Rspamd, clamd: Clamd) -> None:
    with pytest.raises(NoAnswer):
        asyncio.run(Rspamd(clamd._address).ask(b"Subject: x\r\n\r\ny", ENVELOPE))
