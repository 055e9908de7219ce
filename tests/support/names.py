"""A name server on loopback, over UDP and TCP, that knows what a test tells it.

    with names() as dns:
        dns.add("example.org", "MX", "10 mx.example.org.")
        dns.statuses["broken.example"] = dns.rcode.SERVFAIL

It runs in a thread, and keeps what it was asked: `questions`.
"""

import socketserver
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
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


class Names:
    """The records, and how the server behaves. All of it may be changed while it runs."""

    def __init__(self) -> None:
        self.port = 0
        self.records: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.statuses: dict[str, dns.rcode.Rcode] = {}
        # Names that are never answered for, and those whose answers are validated, as it says.
        self.silent: set[str] = set()
        self.secure: set[str] = set()
        # Bytes in place of an answer.
        self.nonsense: dict[str, bytes] = {}
        # Answers over UDP are cut off: the truth is in TCP.
        self.truncates = False
        self.ttl_s = TTL_S
        self.questions: list[tuple[str, str]] = []

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def add(self, name: str, kind: str, *texts: str, secure: bool = False) -> None:
        """Records of a name, as a zone file has them."""
        self.records[name, kind] += texts
        if secure:
            self.secure.add(name)

    def asked(self, name: str, kind: str) -> int:
        """How often somebody asked for these records."""
        return self.questions.count((name, kind))

    def answer(self, raw: bytes, *, is_udp: bool) -> bytes | None:
        """The answer to a question; None for silence."""
        query = dns.message.from_wire(raw)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.questions.append((name, kind))
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
            return response.to_wire()
        if name in self.statuses:
            response.set_rcode(self.statuses[name])
            return response.to_wire(max_size=65_535)
        while (name, "CNAME") in self.records and kind != "CNAME":
            (target,) = self.records[name, "CNAME"]
            self._put(response, name, "CNAME")
            name = target.removesuffix(".")
        if (name, kind) in self.records:
            self._put(response, name, kind)
        else:
            if not any(owner == name for owner, _ in self.records):
                response.set_rcode(dns.rcode.NXDOMAIN)
            response.authority.append(dns.rrset.from_text("test.", self.ttl_s, "IN", "SOA", SOA))
        return response.to_wire(max_size=65_535)

    def _put(self, response: dns.message.Message, name: str, kind: str) -> None:
        texts = self.records[name, kind]
        response.answer.append(dns.rrset.from_text(f"{name}.", self.ttl_s, "IN", kind, *texts))


@contextmanager
def names() -> Iterator[Names]:
    """A name server that runs while the block does."""
    known = Names()

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            raw, sock = self.request
            if (answer := known.answer(raw, is_udp=True)) is not None:
                sock.sendto(answer, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
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
