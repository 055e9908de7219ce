"""Which server is tried when, with real servers on other addresses of the loopback."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import pytest
import uvloop

from mailqueue.outcomes import Outcome, Result
from relay import dialing
from relay.client import Connection, Timeouts, connect
from relay.dialing import MOST_DOORS, SHUN_S, doors
from relay.routes import Hop, Level, Route, Tls
from tests.support.house import free_port
from tests.support.remote import Remote, Script, remote

QUICK = Timeouts(*([10.0] * 9))


@pytest.fixture(autouse=True)
def _nobody_is_shunned() -> None:
    dialing._shunned.clear()


def greeted(route: Route, timeouts: Timeouts = QUICK) -> str | Outcome:
    """The name of the server that greeted us, or why none did."""

    async def work() -> str | Outcome:
        answer = await connect(route, "me.test", timeouts)
        if isinstance(answer, Connection):
            answer.quit()
            return answer.server
        return answer

    return uvloop.run(work())


def hop(name: str, port: int, *addresses: str, rank: int = 0, level: str = "opportunistic") -> Hop:
    return Hop(name, port, addresses, rank, Tls(Level(level)))


def test_the_lowest_rank_comes_first_and_chance_decides_inside_it() -> None:
    route = Route(
        "a", (hop("c", 25, "127.0.0.3", rank=1), *(hop(n, 25, "127.0.0.1") for n in "ab"))
    )
    orders = Counter("".join(door.name for door in doors(route)) for _ in range(200))
    assert set(orders) == {"abc", "bac"}


def test_ipv6_and_ipv4_come_in_turn() -> None:
    route = Route("a", (hop("a", 25, "127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "::2"),))
    families = ["6" if ":" in door.host else "4" for door in doors(route)]
    assert families == ["6", "4", "6", "4", "4"]


def test_it_tries_so_many_addresses_only() -> None:
    route = Route("a", (hop("a", 25, *(f"127.0.0.{number}" for number in range(1, 30))),))
    assert len(doors(route)) == MOST_DOORS


def test_it_goes_on_to_the_next_server_when_one_is_away() -> None:
    with remote(host="127.0.0.3") as server:
        away = hop("a", server.port, "127.0.0.2")
        assert greeted(Route("a", (away, hop("b", server.port, "127.0.0.3", rank=1)))) == "b"


def test_it_goes_from_ipv6_to_ipv4_when_nobody_listens_there() -> None:
    with remote() as server:
        assert greeted(Route("a", (hop("a", server.port, "::1", "127.0.0.1"),))) == "a"
    with remote(host="::1") as server:
        assert greeted(Route("a", (hop("a", server.port, "::1", "127.0.0.1"),))) == "a"
        assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        Script(replies={"greeting": "421 4.3.2 busy"}),
        Script(replies={"greeting": "554 5.7.1 go away"}),
        Script(replies={"EHLO": "421 4.3.2 no"}),
        Script(drops={"greeting"}),
        Script(stalls={"greeting"}),
    ],
)
def test_it_goes_on_when_a_server_does_not_take_us(script: Script) -> None:
    with remote(script, host="127.0.0.2") as bad, remote(host="127.0.0.3", port=bad.port):
        route = Route(
            "a", (hop("a", bad.port, "127.0.0.2"), hop("b", bad.port, "127.0.0.3", rank=1))
        )
        timeouts = replace(QUICK, greeting_s=0.3) if script.stalls else QUICK
        assert greeted(route, timeouts) == "b"
        assert bad.connections == 1


def test_it_goes_on_when_a_server_gives_less_tls_than_demanded() -> None:
    with remote(host="127.0.0.2") as bad, remote(host="127.0.0.3", port=bad.port):
        route = Route(
            "a",
            (
                hop("a", bad.port, "127.0.0.2", level="required"),
                hop("b", bad.port, "127.0.0.3", rank=1),
            ),
        )
        assert greeted(route) == "b"


def test_two_servers_that_answer_and_let_us_down_are_enough() -> None:
    busy = Script(replies={"greeting": "421 4.3.2 busy"})
    with ExitStack() as stack:
        servers: list[Remote] = []
        for number in range(2, 6):
            port = servers[0].port if servers else 0
            host = f"127.0.0.{number}"
            servers.append(stack.enter_context(remote(busy, host=host, port=port)))
        hops = tuple(
            hop(f"mx{rank}", server.port, server.host, rank=rank)
            for rank, server in enumerate(servers)
        )
        answer = greeted(Route("mx0", hops))
    assert answer == Outcome(Result.DEFERRED, "421 4.3.2 busy", "4.3.2", "mx1")
    assert [server.connections for server in servers] == [1, 1, 0, 0]


def test_who_answered_tells_more_than_who_did_not() -> None:
    with remote(Script(replies={"greeting": "450 4.7.1 later"})) as server:
        route = Route(
            "a", (hop("a", server.port, "127.0.0.1"), hop("b", server.port, "127.0.0.2", rank=1))
        )
        answer = greeted(route)
    assert answer == Outcome(Result.DEFERRED, "450 4.7.1 later", "4.7.1", "a")


def test_it_names_the_address_that_did_not_open() -> None:
    port = free_port()
    answer = greeted(Route("mx.example", (hop("mx.example", port, "127.0.0.2"),)))
    assert isinstance(answer, Outcome)
    assert answer.reply.startswith(f"cannot connect to mx.example[127.0.0.2]:{port}: ")
    assert answer.status == "4.4.1"


def test_a_door_that_did_not_open_comes_last_for_a_while() -> None:
    port = free_port()
    first, second = hop("a", port, "127.0.0.2"), hop("b", port, "127.0.0.3", rank=1)
    now_s = 100.0

    async def knock() -> None:
        (door,) = doors(Route("a", (first,)))
        with pytest.raises(dialing.Closed):
            await dialing.enter(door, 0.5, 100, lambda: now_s)

    uvloop.run(knock())
    route = Route("a", (first, second))
    assert [door.name for door in doors(route, lambda: now_s + SHUN_S - 1)] == ["b", "a"]
    assert [door.name for door in doors(route, lambda: now_s + SHUN_S + 1)] == ["a", "b"]


def test_a_silent_address_costs_less_while_there_are_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialing, "HASTE_S", 0.05)

    with remote() as server:
        route = Route(
            "a", (hop("a", server.port, "127.0.0.9"), hop("b", server.port, "127.0.0.1", rank=1))
        )
        waits = []
        entering = dialing.enter

        async def note(door: dialing.Door, timeout_s: float, limit: int) -> dialing.Streams:
            waits.append(timeout_s)
            return await entering(door, timeout_s, limit)

        monkeypatch.setattr(dialing, "enter", note)
        assert greeted(route, replace(QUICK, connect_s=30)) == "b"
    assert waits == [0.05, 30]
