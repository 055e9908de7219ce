"""A name server of the tests, on loopback: it knows what it is told, and nothing else.

    with nameserver({("boutique.example", "TXT"): ["v=spf1 -all"]}) as server:
        settings.RESOLVERS = [server.address]

A name in `silent` gets no answer, one in `broken` SERVFAIL; what it does not know is NXDOMAIN.
"""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class Nameserver:
    """The server; `asked` has each question, as name and type."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str]]) -> None:
        self.records = dict(records)
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wire.bind(("127.0.0.1", 0))

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self._wire.getsockname()[1])

    def serve(self) -> None:
        """Answer until an empty packet comes."""
        while True:
            packet, peer = self._wire.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(dns.message.from_wire(packet))
            if answer is not None:
                self._wire.sendto(answer.to_wire(), peer)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.sendto(b"", self.address)

    def close(self) -> None:
        self._wire.close()

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        known = self.records.get((name, kind))
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif known:
            texts = [_quoted(text) if kind == "TXT" else text for text in known]
            answer.answer.append(
                dns.rrset.from_text_list(question.name, 60, dns.rdataclass.IN, kind, texts)
            )
        elif not any(other == name for other, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


def _quoted(text: str) -> str:
    """A text in strings of 200 signs: whoever reads it must join them."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) or '""'


@contextmanager
def nameserver(
    records: Mapping[tuple[str, str], Sequence[str]] = {},
) -> Iterator[Nameserver]:
    """A server that answers while the block runs."""
    server = Nameserver(records)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(5)
        server.close()
