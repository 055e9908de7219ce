"""A name server of the tests, on loopback, over UDP and TCP: it knows what it is told, no more.

    with nameserver({("boutique.example", "TXT"): ["v=spf1 -all"]}) as server:
        settings.RESOLVERS = [server.address]
        server.add("example.org", "MX", "10 mx.example.org.")

A name in `silent` gets no answer, one in `broken` SERVFAIL, as does one with its kind there; what
it does not know is NXDOMAIN. It runs in threads, and all of it may be changed meanwhile.
"""

import socketserver
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL_S = 300
SOA = "ns.test. root.test. 1 3600 600 86400 60"


class Nameserver:
    """The server; `asked` has each question, as name and type."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str]]) -> None:
        self.port = 0
        self.records: dict[tuple[str, str], Sequence[str]] = defaultdict(list)
        self.records |= records
        self.silent: set[str] = set()
        self.broken: set[str | tuple[str, str]] = set()
        # Names whose answers are validated, as it says.
        self.secure: set[str] = set()
        # Bytes in place of an answer.
        self.nonsense: dict[str, bytes] = {}
        # Answers over UDP are cut off: the truth is in TCP.
        self.truncates = False
        self.ttl_s = TTL_S
        self.asked: list[tuple[str, str]] = []

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def add(self, name: str, kind: str, *texts: str, secure: bool = False) -> None:
        """More records of a name."""
        self.records[name, kind] = [*self.records[name, kind], *texts]
        if secure:
            self.secure.add(name)

    def answer(self, raw: bytes, *, is_udp: bool) -> bytes | None:
        """The answer to a question; None for silence."""
        query = dns.message.from_wire(raw)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        if name in self.nonsense:
            # With the number of the question: other packets are passed over.
            return raw[:2] + self.nonsense[name]
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.secure:
            response.flags |= dns.flags.AD
        if is_udp and self.truncates:
            response.flags |= dns.flags.TC
        elif self.broken & {name, (name, kind)}:
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(response, name, kind)
        return response.to_wire(max_size=65_535)

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        while kind != "CNAME" and self.records.get((name, "CNAME")):
            (target,) = self.records[name, "CNAME"]
            self._put(response, name, "CNAME")
            name = target.removesuffix(".")
        if self.records.get((name, kind)):
            self._put(response, name, kind)
            return
        if not any(owner == name for owner, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        response.authority.append(dns.rrset.from_text("test.", self.ttl_s, "IN", "SOA", SOA))

    def _put(self, response: dns.message.Message, name: str, kind: str) -> None:
        known = self.records[name, kind]
        texts = [_quoted(text) if kind == "TXT" else text for text in known]
        response.answer.append(
            dns.rrset.from_text_list(
                dns.name.from_text(name), self.ttl_s, dns.rdataclass.IN, kind, texts
            )
        )


def _quoted(text: str) -> str:
    """A text in strings of 200 signs: whoever reads it must join them."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) or '""'


@contextmanager
def nameserver(
    records: Mapping[tuple[str, str], Sequence[str]] = {},
) -> Iterator[Nameserver]:
    """A server that answers while the block runs."""
    known = Nameserver(records)

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            raw, sock = self.request
            if (answer := known.answer(raw, is_udp=True)) is not None:
                sock.sendto(answer, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = self.rfile.read(2)
            if len(head) < 2:
                # Rspamd opens a connection before it has a question.
                return
            (length,) = struct.unpack("!H", head)
            if (answer := known.answer(self.rfile.read(length), is_udp=False)) is not None:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    with _on_one_port(Udp, Tcp) as servers:
        known.port = servers[0].server_address[1]
        threads = [
            threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
            for server in servers
        ]
        for thread in threads:
            thread.start()
        try:
            yield known
        finally:
            for server in servers:
                server.shutdown()
            for thread in threads:
                thread.join(5)


@contextmanager
def _on_one_port(
    udp: type[socketserver.BaseRequestHandler], tcp: type[socketserver.BaseRequestHandler]
) -> Iterator[tuple[socketserver.TCPServer, socketserver.TCPServer]]:
    """Two servers on the same port; one that is free for UDP may be taken for TCP."""
    for _ in range(20):
        with socketserver.ThreadingUDPServer(("127.0.0.1", 0), udp) as first:
            address = "127.0.0.1", int(first.server_address[1])
            try:
                second = socketserver.ThreadingTCPServer(address, tcp)
            except OSError:
                continue
            with second:
                yield first, second
                return
    raise AssertionError("no port is free for both")
