"""TLS and logins on the way out, against servers that have them, have them badly, or not at all."""

import base64
import hashlib
import ssl
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailqueue import pace
from mailqueue.outcomes import Outcome, Result
from relay import tls
from relay.client import Connection, Envelope, Timeouts, connect
from relay.routes import Association, Hop, Level, Login, Route, Tls
from tests.support.certificates import Certificate, authority, issued, server_context
from tests.support.remote import Remote, Script, remote
from tests.support.waiting import eventually

QUICK = Timeouts(*([10.0] * 9))
MX = "mx.example.org"
WELCOME = Tls()
MAIL = Envelope("a@example.com", ("b@example.org",), b"Subject: hello\r\n\r\nbody\r\n")


@pytest.fixture
def own() -> Certificate:
    return issued(MX, by=authority())


@pytest.fixture
def secured(own: Certificate, tmp_path: Path) -> ssl.SSLContext:
    return server_context(tmp_path, own, authority())


@pytest.fixture
def trusting(settings: Any, tmp_path: Path) -> None:
    """Whoever trusts FACTEUR_TLS_CA_FILE trusts the authority of the tests."""
    file = tmp_path / "authorities.pem"
    file.write_bytes(authority().pem)
    settings.TLS_CA_FILE = str(file)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return uvloop.run(work)


def route(server: Remote, demand: Tls = WELCOME, login: Login | None = None) -> Route:
    return Route(MX, (Hop(MX, server.port, (server.host,), tls=demand),), login=login)


def outcome(way: Route, timeouts: Timeouts = QUICK) -> Outcome:
    """What becomes of two mails by one connection: the outcome of the second."""

    async def work() -> Outcome:
        connection = await connect(way, "me.test", timeouts)
        if isinstance(connection, Outcome):
            return connection
        assert isinstance(connection, Connection)
        for _ in range(2):
            [answer] = await connection.deliver(MAIL)
        connection.quit()
        return answer

    answer: Outcome = run(work())
    return answer


def test_it_takes_tls_from_whomever_offers_it(secured: ssl.SSLContext) -> None:
    with remote(Script(tls=secured)) as server:
        answer = outcome(route(server))
        eventually(lambda: server.commands[-1] == "QUIT")
    assert (answer.result, answer.tls) == (Result.DELIVERED, "TLSv1.3")
    assert [word.split()[0] for word in server.commands[:3]] == ["EHLO", "STARTTLS", "EHLO"]
    assert server.asked_for == [MX]
    assert [message.content for message in server.messages] == [MAIL.content] * 2


def test_it_sends_megabytes_under_tls(secured: ssl.SSLContext) -> None:
    large = Envelope("a@example.com", ("b@example.org",), b"y\r\n" * 1_000_000)

    async def work(server: Remote) -> Outcome:
        connection = await connect(route(server), "me.test", Timeouts())
        assert isinstance(connection, Connection)
        [answer] = await connection.deliver(large)
        connection.quit()
        return answer

    with remote(Script(("SIZE 20000000",), tls=secured)) as server:
        assert run(work(server)).result is Result.DELIVERED
    assert server.messages[0].content == large.content


def test_it_sends_in_the_clear_where_that_may_be_and_tls_is_not_offered() -> None:
    with remote() as server:
        answer = outcome(route(server))
    assert (answer.result, answer.tls) == (Result.DELIVERED, "none")


def test_it_does_not_ask_for_tls_where_none_is_wanted(secured: ssl.SSLContext) -> None:
    with remote(Script(tls=secured)) as server:
        assert outcome(route(server, Tls(Level.NONE))).tls == "none"
    assert "STARTTLS" not in server.commands


def test_it_goes_on_in_the_clear_where_starttls_is_refused(secured: ssl.SSLContext) -> None:
    script = Script(tls=secured, replies={"STARTTLS": "454 4.7.0 not now"})
    with remote(script) as server:
        answer = outcome(route(server))
    assert (answer.result, answer.tls) == (Result.DELIVERED, "none")
    assert server.connections == 1


@pytest.mark.parametrize("trouble", ["drops", "stalls"])
def test_it_comes_again_in_the_clear_after_a_failed_handshake(
    secured: ssl.SSLContext, trouble: str
) -> None:
    script = Script(tls=secured, **{trouble: {"handshake"}})  # type: ignore[arg-type]
    with remote(script) as server:
        answer = outcome(route(server), replace(QUICK, tls_s=0.3))
    assert (answer.result, answer.tls) == (Result.DELIVERED, "none")
    assert server.connections == 2
    assert server.commands.count("STARTTLS") == 1


@pytest.mark.parametrize("level", [Level.REQUIRED, Level.VERIFIED, Level.DANE])
@pytest.mark.parametrize("trouble", ["stripped", "refused", "broken"])
def test_it_sends_nothing_in_the_clear_where_tls_is_demanded(
    secured: ssl.SSLContext, level: Level, trouble: str
) -> None:
    script = {
        "stripped": Script(),
        "refused": Script(tls=secured, replies={"STARTTLS": "454 4.7.0 not now"}),
        "broken": Script(tls=secured, drops={"handshake"}),
    }[trouble]
    with remote(script) as server:
        answer = outcome(route(server, Tls(level, "the policy")))
    assert answer.result is Result.DEFERRED
    assert answer.status == ("4.7.5" if trouble == "broken" else "4.7.4")
    assert "demanded by the policy" in answer.reply
    # To send more slowly would help nobody.
    assert not pace.wants_less(answer)
    assert not any(word.startswith("MAIL") for word in server.commands)


def test_it_refuses_what_was_said_in_the_clear_to_count_under_tls(secured: ssl.SSLContext) -> None:
    # CVE-2011-0411 from the other side: the client must not read this as the answer to its EHLO.
    injected = b"250-remote.test\r\n250 AUTH PLAIN\r\n"
    with remote(Script(tls=secured, injects=injected)) as server:
        answer = outcome(route(server))
    assert (answer.result, answer.status) == (Result.DEFERRED, "4.7.5")
    assert "said more than its answer to STARTTLS" in answer.reply
    assert server.messages == []


def test_it_forgets_what_was_offered_in_the_clear(secured: ssl.SSLContext) -> None:
    class TwoFaced(Remote):
        def _offered(self, *, is_secure: bool) -> list[str]:
            return ["8BITMIME"] if is_secure else ["SIZE 10", "PIPELINING", "STARTTLS"]

    with remote(Script(tls=secured), TwoFaced) as server:
        answer = outcome(route(server))
    # A limit of ten bytes would have refused it.
    assert answer.result is Result.DELIVERED
    assert "SIZE" not in server.messages[0].mail


@pytest.mark.usefixtures("trusting")
def test_it_trusts_a_certificate_for_the_servers_name(secured: ssl.SSLContext) -> None:
    with remote(Script(tls=secured)) as server:
        answer = outcome(route(server, Tls(Level.VERIFIED)))
    assert (answer.result, answer.tls) == (Result.DELIVERED, "TLSv1.3-verified")


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("fault", ["name", "age", "authority"])
def test_it_distrusts_all_other_certificates(tmp_path: Path, fault: str) -> None:
    if fault == "name":
        other = issued("mx.example.net", by=authority())
    elif fault == "age":
        other = issued(MX, by=authority(), lasts=timedelta(days=-1))
    else:
        other = issued(MX, by=authority("Somebody else"))
    with remote(Script(tls=server_context(tmp_path, other))) as server:
        answer = outcome(route(server, Tls(Level.VERIFIED, "MTA-STS")))
    assert (answer.result, answer.status) == (Result.DEFERRED, "4.7.5")
    assert "certificate cannot be trusted" in answer.reply
    assert "demanded by MTA-STS" in answer.reply
    assert server.messages == []
    with remote(Script(tls=server_context(tmp_path, other))) as server:
        assert outcome(route(server, Tls(Level.REQUIRED))).tls == "TLSv1.3"


def test_it_begins_with_tls_where_the_port_is_for_that(secured: ssl.SSLContext) -> None:
    with remote(Script(tls=secured, is_implicit=True)) as server:
        answer = outcome(route(server, Tls(Level.OPPORTUNISTIC, is_implicit=True)))
    assert (answer.result, answer.tls) == (Result.DELIVERED, "TLSv1.3")
    assert "STARTTLS" not in server.commands


def test_it_never_falls_back_from_tls_from_the_start(secured: ssl.SSLContext) -> None:
    with remote() as server:
        demand = Tls(Level.OPPORTUNISTIC, is_implicit=True)
        answer = outcome(route(server, demand), replace(QUICK, tls_s=0.3))
    assert (answer.result, answer.status) == (Result.DEFERRED, "4.7.5")
    assert server.messages == []


def association(certificate: Certificate, usage: int, selector: int, matching: int) -> Association:
    data = certificate.der
    if selector == 1:
        key = certificate.key.public_key()
        data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    data = {0: data, 1: hashlib.sha256(data).digest(), 2: hashlib.sha512(data).digest()}[matching]
    return Association(usage, selector, matching, data)


@pytest.mark.parametrize("usage", [2, 3])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_it_holds_a_certificate_against_tlsa_records(
    tmp_path: Path, usage: int, selector: int, matching: int
) -> None:
    private = authority("Private")
    # For usage 3 neither name nor age nor authority count (RFC 7672 §3.1.1).
    hosts, lasts = (MX, timedelta(days=1)) if usage == 2 else ("other.test", timedelta(days=-1))
    own = issued(hosts, by=private, lasts=lasts)
    record = association(private if usage == 2 else own, usage, selector, matching)
    with remote(Script(tls=server_context(tmp_path, own, private))) as server:
        answer = outcome(route(server, Tls(Level.DANE, associations=(record,))))
    assert (answer.result, answer.tls) == (Result.DELIVERED, "TLSv1.3-dane")


@pytest.mark.parametrize("fault", ["end entity", "anchor", "name", "age"])
def test_it_defers_where_no_tlsa_record_vouches(tmp_path: Path, fault: str) -> None:
    private, other = authority("Private"), authority("Other")
    lasts = timedelta(days=-1 if fault == "age" else 1)
    own = issued("mx.example.net" if fault == "name" else MX, by=private, lasts=lasts)
    record = association(private, 2, 0, 1)
    if fault == "end entity":
        record = association(issued(MX, by=private), 3, 1, 1)
    elif fault == "anchor":
        # It stands in the chain, and has signed nothing of it.
        record = association(other, 2, 0, 1)
    with remote(Script(tls=server_context(tmp_path, own, private, other))) as server:
        answer = outcome(route(server, Tls(Level.DANE, "DANE", associations=(record,))))
    assert (answer.result, answer.status) == (Result.DEFERRED, "4.7.5")
    assert "no TLSA record vouches for its certificate" in answer.reply
    assert server.messages == []


def test_it_asks_for_the_name_that_the_records_stand_at(tmp_path: Path, own: Certificate) -> None:
    record = association(own, 3, 1, 1)
    with remote(Script(tls=server_context(tmp_path, own))) as server:
        demand = Tls(Level.DANE, associations=(record,), name="real.example.org")
        assert outcome(route(server, demand)).result is Result.DELIVERED
    assert server.asked_for == ["real.example.org"]


LOGIN = Login("site", "s3crét")


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 login", "XOAUTH2 PLAIN"])
def test_it_logs_in_under_tls(secured: ssl.SSLContext, mechanisms: str) -> None:
    script = Script(tls=secured, mechanisms=mechanisms, login=("site", "s3crét"))
    with remote(script) as server:
        answer = outcome(route(server, login=LOGIN))
    assert answer.result is Result.DELIVERED
    assert server.users == ["site"]


def test_a_wrong_password_is_nothing_that_a_message_pays_for(secured: ssl.SSLContext) -> None:
    script = Script(tls=secured, mechanisms="PLAIN", login=("site", "other"))
    with remote(script) as server:
        answer = outcome(route(server, login=LOGIN))
    assert (answer.result, answer.status) == (Result.DEFERRED, "4.7.8")
    assert "does not take the login: 535 5.7.8 wrong name or password" in answer.reply
    assert "s3cr" not in answer.reply


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_server_that_says_the_password_again_does_not_tell_it_to_sites(
    secured: ssl.SSLContext, mechanism: str
) -> None:
    plain, alone = b"\0site\0s3cr\xc3\xa9t", b"s3cr\xc3\xa9t"
    codes = [base64.b64encode(said).decode() for said in (plain, alone)]
    echo = f"501 5.5.2 cannot read AUTH {' '.join(codes)} (s3crét, LOGIN)"
    sent = codes[mechanism == "LOGIN"]
    with remote(Script(tls=secured, mechanisms=mechanism, replies={"AUTH": echo})) as server:
        answer = outcome(route(server, login=LOGIN))
    assert "does not take the login: 501 5.5.2 cannot read AUTH" in answer.reply
    assert sent not in answer.reply
    assert "s3cr" not in answer.reply


def test_it_says_that_a_server_takes_no_login_that_we_know(secured: ssl.SSLContext) -> None:
    with remote(Script(tls=secured, mechanisms="CRAM-MD5")) as server:
        answer = outcome(route(server, login=LOGIN))
    assert (answer.result, answer.status) == (Result.DEFERRED, "4.3.3")
    assert not pace.wants_less(answer)


def test_a_password_goes_to_this_machine_in_the_clear_and_nowhere_else() -> None:
    script = Script(mechanisms="PLAIN", login=("site", "s3crét"))
    with remote(script) as server:
        assert outcome(route(server, login=LOGIN)).result is Result.DELIVERED
        # It leads here as well, but that is not what it says.
        elsewhere = Hop("127.1", server.port)
        answer = outcome(Route("smtp", (elsewhere,), login=LOGIN))
        assert (answer.result, answer.status) == (Result.DEFERRED, "4.7.11")
        assert server.users == ["site"]
        careless = Login("site", "s3crét", may_be_plain=True)
        assert outcome(Route("smtp", (elsewhere,), login=careless)).result is Result.DELIVERED


def test_a_route_does_not_show_its_password() -> None:
    assert "s3cr" not in repr(Route("smtp", (Hop("smtp", 25),), login=LOGIN))


def test_poor_tls_is_taken_only_where_the_clear_would_be() -> None:
    assert tls.context(Level.OPPORTUNISTIC).minimum_version < ssl.TLSVersion.TLSv1_2
    for level in (Level.REQUIRED, Level.VERIFIED, Level.DANE):
        assert tls.context(level).minimum_version >= ssl.TLSVersion.TLSv1_2
