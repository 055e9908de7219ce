"""MTA-STS (RFC 8461): what is read, what is fetched, and what still counts when it is hidden."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue.models import MtaStsPolicy
from mailqueue.mta_sts import Kept
from relay.mta_sts import LONGEST_AGE_S, MOST_BYTES, PATH, Policies, Policy, names, parse, record_id
from relay.resolver import Resolver
from tests.support.certificates import authority, issued, server_context
from tests.support.loop import run
from tests.support.nameserver import Nameserver, nameserver

POLICY = (
    b"version: STSv1\r\nmode: enforce\r\n"
    b"mx: mx.example.org\r\nmx: *.b.example\r\nmax_age: 604800\r\n"
)
DOMAIN = "example.org"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        ([b"v=STSv1;id=a1"], "a1"),
        ([b"v=spf1 -all", b"v=STSv1 ; other=x ; id = b2 ;"], "b2"),
        ([], None),
        ([b"v=STSv1; id=1", b"v=STSv1; id=2"], None),
        ([b"v=STSv1;"], None),
        ([b"v=STSv1; id="], None),
        ([b"v=STSv1; id=with-dash"], None),
        ([b"v=STSv1; id=" + b"x" * 33], None),
        ([b"v=STSv2; id=1"], None),
        ([b" v=STSv1; id=1"], None),
    ],
)
def test_it_reads_the_id_in_the_record(texts: list[bytes], expected: str | None) -> None:
    assert record_id(texts) == expected


def test_it_reads_a_policy() -> None:
    assert parse(POLICY) == Policy("enforce", 604800, ("mx.example.org", "*.b.example"))
    assert parse(POLICY.replace(b"\r\n", b"\n").rstrip()) == parse(POLICY)
    assert parse(POLICY + b"future: field\r\nmode: none\r\n\r\n") == parse(POLICY)
    assert parse(b"version: STSv1\nmode: none\nmax_age: 0") == Policy("none", 0, ())
    long = parse(POLICY.replace(b"604800", b"9999999999"))
    assert long is not None
    assert long.max_age_s == LONGEST_AGE_S


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"<html>not here</html>",
        POLICY.replace(b"STSv1", b"STSv2"),
        POLICY.replace(b"enforce", b"ENFORCE"),
        POLICY.replace(b"max_age: 604800", b""),
        POLICY.replace(b"604800", b"-1"),
        POLICY.replace(b"604800", b"week"),
        POLICY.replace(b"604800", b"\xd9\xa3"),
        b"version: STSv1\nmode: enforce\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmx: *\nmx: a b.example\nmax_age: 1",
    ],
)
def test_it_takes_nothing_else_for_a_policy(document: bytes) -> None:
    assert parse(document) is None


@given(st.binary(max_size=300), st.sampled_from([b"", POLICY]))
def test_no_bytes_are_too_strange(raw: bytes, before: bytes) -> None:
    parse(before + raw)
    record_id([before + raw, b"v=STSv1;" + raw])


def test_a_star_stands_for_one_label() -> None:
    servers = ("mx.example.org", "*.b.example")
    assert names(servers, "mx.example.org")
    assert names(servers, "a.b.example")
    for other in ("b.example", "a.a.b.example", "mx2.example.org", "example.org", "localhost", ""):
        assert not names(servers, other)


class Site:
    """The server of policies: what it answers, and how often it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.body = POLICY
        self.status = HTTPStatus.OK
        self.kind = "text/plain"
        self.headers: dict[str, str] = {}
        # Until then it says nothing.
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked: list[str] = []


@contextmanager
def site(context: ssl.SSLContext) -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(f"{self.headers['Host']}{self.path}")
            state.go_on.wait(5)
            self.send_response(state.status)
            self.send_header("Content-Type", state.kind)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Those who do not trust us go away, and that is all right."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        try:
            yield state
        finally:
            state.go_on.set()
            server.shutdown()
            thread.join(5)


class World:
    """A domain with a policy: its DNS, its site, and a clock."""

    def __init__(self, names_: Nameserver, site_: Site, ca_file: str) -> None:
        self.names, self.site = names_, site_
        self.now = datetime(2026, 3, 11, 10, 30, tzinfo=UTC)
        self._ca_file = ca_file
        self.timeout_s = 10.0
        self.names.add(f"mta-sts.{DOMAIN}", "A", "127.0.0.1")
        self.publish("1")
        self.restart()

    def publish(self, policy_id: str) -> None:
        """The record, with another id."""
        self.names.records[f"_mta-sts.{DOMAIN}", "TXT"] = [f"v=STSv1; id={policy_id};"]
        self._forget()

    def hide(self) -> None:
        """Whoever stands between lets no record through."""
        del self.names.records[f"_mta-sts.{DOMAIN}", "TXT"]
        self._forget()

    def restart(self) -> None:
        """A new process: nothing is remembered but what was written down."""
        self._policies: Policies | None = None
        self._forget()

    def _forget(self) -> None:
        self._resolver = Resolver([self.names.address], lifetime_s=10.0)
        if getattr(self, "_policies", None) is not None:
            self._policies._resolver = self._resolver  # type: ignore[union-attr]

    @property
    def policies(self) -> Policies:
        if self._policies is None:
            self._policies = Policies(
                self._resolver,
                lambda: self.now,
                port=self.site.port,
                ca_file=self._ca_file,
                timeout_s=self.timeout_s,
            )
        return self._policies

    def policy(self) -> tuple[Kept | None, str]:
        return run(self.policies.policy_for(DOMAIN))

    def mode(self) -> str | None:
        kept, _ = self.policy()
        return kept.mode if kept else None


@pytest.fixture
def world(settings: Any, tmp_path: Path, transactional_db: None) -> Iterator[World]:
    settings.ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]
    ca_file = tmp_path / "authorities.pem"
    ca_file.write_bytes(authority().pem)
    own = issued(f"mta-sts.{DOMAIN}", by=authority())
    with nameserver() as known, site(server_context(tmp_path, own)) as server:
        yield World(known, server, str(ca_file))


def test_it_fetches_a_policy_once_and_keeps_it(world: World) -> None:
    kept, trouble = world.policy()
    assert kept == Kept(
        "1",
        "enforce",
        ("mx.example.org", "*.b.example"),
        world.now,
        world.now + timedelta(seconds=604800),
    )
    assert trouble == ""
    assert world.site.asked == [f"mta-sts.{DOMAIN}{PATH}"]
    world.now += timedelta(hours=12)
    assert world.mode() == "enforce"
    world.restart()
    assert world.policy()[0] == kept
    assert len(world.site.asked) == 1


def test_those_who_ask_meanwhile_wait_for_the_same_policy(world: World) -> None:
    async def work() -> list[tuple[Kept | None, str]]:
        return await asyncio.gather(*(world.policies.policy_for(DOMAIN) for _ in range(5)))

    assert all(kept is not None for kept, _ in run(work()))
    assert len(world.site.asked) == 1


def test_without_a_record_nothing_is_fetched(world: World) -> None:
    world.hide()
    assert world.policy() == (None, "")
    assert world.site.asked == []


def test_hiding_the_record_later_does_not_help(world: World) -> None:
    assert world.mode() == "enforce"
    world.hide()
    assert world.mode() == "enforce"
    world.restart()
    assert world.mode() == "enforce"
    world.names.broken.add(f"_mta-sts.{DOMAIN}")
    world.restart()
    assert world.mode() == "enforce"
    world.now += timedelta(days=8)
    assert world.mode() is None


def test_a_new_id_brings_a_new_policy(world: World) -> None:
    assert world.mode() == "enforce"
    world.site.body = POLICY.replace(b"enforce", b"testing")
    assert world.mode() == "enforce"
    world.publish("2")
    assert world.mode() == "testing"
    assert MtaStsPolicy.objects.get().policy_id == "2"
    world.site.body = b"version: STSv1\nmode: none\nmax_age: 86400"
    world.publish("3")
    assert world.mode() is None


def test_a_policy_is_renewed_before_it_runs_out(world: World) -> None:
    first, _ = world.policy()
    world.now += timedelta(days=2)
    second, _ = world.policy()
    assert first is not None
    assert second is not None
    assert second.expires_at == first.expires_at + timedelta(days=2)
    assert len(world.site.asked) == 2


def test_what_cannot_be_fetched_leaves_the_policy_in_force(world: World) -> None:
    assert world.mode() == "enforce"
    world.publish("2")
    world.site.status = HTTPStatus.INTERNAL_SERVER_ERROR
    kept, trouble = world.policy()
    assert kept is not None
    assert (kept.policy_id, trouble) == ("1", f"mta-sts.{DOMAIN} answered 500")
    # And is not tried again at once.
    world.policy()
    assert len(world.site.asked) == 2
    world.site.status = HTTPStatus.OK
    world.now += timedelta(minutes=6)
    kept, trouble = world.policy()
    assert kept is not None
    assert (kept.policy_id, trouble) == ("2", "")


def redirect(world: World) -> str:
    world.site.status = HTTPStatus.FOUND
    world.site.headers = {"Location": f"https://mta-sts.{DOMAIN}:{world.site.port}{PATH}"}
    return "answered 302"


def huge(world: World) -> str:
    world.site.body = POLICY + b"x: y\r\n" * 20_000
    return f"more than {MOST_BYTES} bytes"


def endless(world: World) -> str:
    world.site.headers = {"Content-Length": str(10**9)}
    return "broke off its answer"


def html(world: World) -> str:
    world.site.kind = "text/html"
    return "'text/html', not text/plain"


def nonsense(world: World) -> str:
    world.site.body = b"mode: enforce"
    return "holds no policy"


def silent(world: World) -> str:
    world.site.go_on.clear()
    world.timeout_s = 0.5
    return "did not answer within 0.5 s"


def private(world: World) -> str:
    world.names.records[f"mta-sts.{DOMAIN}", "A"] = ["10.0.0.1"]
    return "has the address 10.0.0.1 (private use)"


def nowhere(world: World) -> str:
    del world.names.records[f"mta-sts.{DOMAIN}", "A"]
    return "has no address"


@pytest.mark.parametrize(
    "fault", [redirect, huge, endless, html, nonsense, silent, private, nowhere]
)
def test_what_is_no_policy_demands_nothing_and_says_why(world: World, fault: Any) -> None:
    why = fault(world)
    kept, trouble = world.policy()
    assert kept is None
    assert why in trouble
    assert not MtaStsPolicy.objects.exists()


def test_an_answer_in_chunks_is_a_policy_as_well(world: World) -> None:
    world.site.headers = {"Transfer-Encoding": "chunked"}
    world.site.body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(POLICY), POLICY)
    assert world.mode() == "enforce"


@pytest.mark.parametrize("fault", ["name", "authority", "age"])
def test_it_believes_no_site_without_a_good_certificate(
    settings: Any, tmp_path: Path, transactional_db: None, fault: str
) -> None:
    settings.ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]
    ca_file = tmp_path / "authorities.pem"
    ca_file.write_bytes(authority().pem)
    host = f"mta-sts.{DOMAIN}"
    own = {
        "name": issued(f"mta-sts.{DOMAIN}.evil", by=authority()),
        "authority": issued(host, by=authority("Somebody else")),
        "age": issued(host, by=authority(), lasts=timedelta(days=-1)),
    }[fault]
    with nameserver() as known, site(server_context(tmp_path, own)) as server:
        kept, trouble = World(known, server, str(ca_file)).policy()
    assert kept is None
    assert f"the certificate of {host} is not trusted" in trouble
    assert server.asked == []


def test_a_slow_site_holds_up_nobody_else(world: World) -> None:
    world.site.go_on.clear()
    world.timeout_s = 0.5
    world.names.add("other.example", "A", "127.0.0.2")

    async def work() -> str:
        waiting = asyncio.create_task(world.policies.policy_for(DOMAIN))
        other = asyncio.create_task(world.policies.policy_for("other.example"))
        done, _ = await asyncio.wait({waiting, other}, return_when=asyncio.FIRST_COMPLETED)
        await waiting
        return "other" if other in done else "waiting"

    assert run(work()) == "other"
