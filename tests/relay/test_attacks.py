"""Attacks on a relay that runs as a process: nonsense by every way in, and floods.

Whatever comes, it has no fault of its own (no traceback), its memory stays bounded, nothing outside
of its folders is touched, and honest callers are served. `make fuzz` tries more: FUZZ_TIMES as
many examples.
"""

import os
import random
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.house import ROOT, House, free_port, house, is_listening
from tests.support.relaying import packed
from tests.support.submitting import certificate
from tests.support.waiting import eventually

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
EXITS = {0, 64, 65, 67, 69, 75, 77}
MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"
REPLY = re.compile(rb"(?:[245][0-9]{2}[ -][^\r\n]*\r\n|354 [^\r\n]*\r\n)*")
# Of the process, in bytes: what it has when idle, 128 MB of messages, and their copies.
MOST_MEMORY = 700 * 1024 * 1024
LIMIT = 10_485_760

OPTIONS = (
    *(b"-t", b"-i", b"-ti", b"-f", b"-fa@b.example", b"-F", b"-bs", b"-bp", b"-bv", b"-be", b"-q"),
    *(b"-X/tmp/x", b"-C", b"--", b"--token=fct_x", b"-oi", b"-O", b"-N", b"you@example.org", b"<>"),
)
ANY_WORD = st.binary(max_size=12).map(lambda word: word.replace(b"\0", b""))
ARGUMENTS = st.lists(st.sampled_from(OPTIONS) | ANY_WORD, max_size=6)
LINES = (
    *(
        b"To: you@example.org",
        b"Bcc: a@b.example, ",
        b"Subject: \xff",
        b" folded",
        b"",
        b".",
        b"..",
    ),
    *(b"From x", b"Content-Type: multipart/mixed; boundary=x", b"--x", b"\0", b"\r", b"x" * 1200),
    *(b"Resent-To: (", b"To: g:;", b"X-Facteur-Id: forged"),
)
TEXTS = st.lists(st.sampled_from(LINES) | st.binary(max_size=20), max_size=12).map(b"\n".join)
COMMANDS = (
    *(b"EHLO a", b"HELO", b"MAIL FROM:<a@b.example>", b"MAIL FROM:<> SIZE=1 BODY=8BITMIME"),
    *(b"MAIL FROM:<a@b.example> SIZE=99999999999999999999999", b"RCPT TO:<a@b.example>"),
    *(b"RCPT TO:<@x:a@b>", b"DATA", b"To: a@b.example\r\n\r\n..x\r\n.", b".", b"RSET", b"NOOP"),
    *(b"AUTH PLAIN AAAA", b"STARTTLS", b"VRFY x", b"XTOKEN fct_x", b"XSENDMAIL 1 x", b"HELP"),
    *(b"x" * 600, b"x" * 70_000),
)
DIALOGUES = st.lists(st.sampled_from(COMMANDS) | st.binary(max_size=24), max_size=12)


class Relay:
    """A relay process, and what it costs and says."""

    def __init__(self, home: House, port: int, tls_port: int) -> None:
        self.home = home
        self.port, self.tls_port = port, tls_port
        self.words: list[str] = []
        # As systemd and Docker start it: 1,024 descriptors, of which it may have more.
        command = ["prlimit", "--nofile=1024:8192", sys.executable, "manage.py", "runrelay"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=home.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.words.append(line)

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()

    @property
    def peak(self) -> int:
        """The most memory that it ever had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def connect(self) -> socket.socket:
        wire = socket.socket(socket.AF_UNIX)
        wire.settimeout(20)
        wire.connect(str(self.home.data / "run" / "relay.sock"))
        return wire

    def dial(self, source: str = "127.0.0.1", *, is_tls: bool = False) -> socket.socket:
        port = self.tls_port if is_tls else self.port
        return socket.create_connection(("127.0.0.1", port), 20, (source, 0))

    def answer(self, packet: bytes, *, is_whole: bool = True) -> bytes:
        """All that is said to this, until it hangs up."""
        with self.connect() as wire:
            wire.sendall(packet)
            if not is_whole:
                wire.shutdown(socket.SHUT_WR)
            return read_all(wire)

    def call(self, *words: bytes, message: bytes = MESSAGE) -> int:
        """Hand over as our command does; the exit code."""
        packet = packed(*words, message=message, number=os.urandom(16).hex())
        said = self.answer(packet + b"QUIT\r\n")
        found = re.search(rb" exit=(\d+) ([^\r\n]*)\r\n", said)
        assert found, said
        return int(found[1])


def read_all(wire: socket.socket) -> bytes:
    said = b""
    with suppress(ConnectionResetError):
        while more := wire.recv(65_536):
            said += more
    return said


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    files = certificate(tmp_path_factory.mktemp("tls"))
    with house(
        hostname="house.test",
        submission_listen=f"127.0.0.1:{free_port()},tls://127.0.0.1:{free_port()}",
        submission_certificate=str(files[0]),
        submission_key=str(files[1]),
    ) as new:
        assert new.manage("installsendmail", str(new.sendmail)).returncode == 0
        yield new


@pytest.fixture(scope="module")
def relay(home: House) -> Iterator[Relay]:
    plain, tls = home.environment["FACTEUR_SUBMISSION_LISTEN"].split(",")
    port, tls_port = (int(one.rpartition(":")[2]) for one in (plain, tls))
    new = Relay(home, port, tls_port)

    def is_there() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            is_local = probe.connect_ex(str(home.data / "run" / "relay.sock")) == 0
        return is_local and is_listening(port)

    eventually(is_there, 60)
    yield new
    new.end()


@pytest.fixture(autouse=True)
def unharmed(relay: Relay) -> Iterator[None]:
    """After each attack it answers within a second, and had no fault of its own."""
    seen = len(relay.words)
    yield
    assert_serves(relay)
    said = "".join(relay.words[seen:])
    assert "Traceback" not in said, said
    assert "=broken" not in said, said
    assert "exception was never retrieved" not in said, said
    assert relay.peak < MOST_MEMORY


def assert_serves(relay: Relay) -> None:
    """The quickest of three, on a machine that has other things to do."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert relay.call(b"-t") == 0
        took.append(time.monotonic() - began)
    assert min(took) < 1, took


# --- nonsense


@settings(max_examples=150 * TIMES, deadline=None)
@given(ARGUMENTS, TEXTS)
def test_whatever_is_handed_over_has_an_exit_code_that_is_documented(
    relay: Relay, words: list[bytes], message: bytes
) -> None:
    assert relay.call(*words, message=message) in EXITS


@settings(max_examples=20 * TIMES, deadline=None)
@given(ARGUMENTS.filter(lambda words: b"-bs" not in words), TEXTS)
def test_the_command_says_one_line_or_none(
    relay: Relay, home: House, words: list[bytes], message: bytes
) -> None:
    result = subprocess.run(
        [home.sendmail, *words], input=message, capture_output=True, timeout=30, check=False
    )
    assert result.returncode in EXITS - {75}
    assert result.stderr.count(b"\n") == (result.returncode != 0)
    assert b"Traceback" not in result.stderr


@settings(max_examples=80 * TIMES, deadline=None)
@given(DIALOGUES, st.lists(st.integers(1, 400), max_size=6), st.booleans())
def test_whatever_is_said_has_replies_of_smtp(
    relay: Relay, commands: list[bytes], pieces: list[int], is_local: bool
) -> None:
    rest = b"\r\n".join([*commands, b".", b"QUIT", b""])
    with relay.connect() if is_local else relay.dial() as wire:
        try:
            for size in pieces:
                wire.sendall(rest[:size])
                rest = rest[size:]
            wire.sendall(rest)
            wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has hung up
        said = read_all(wire)
    assert REPLY.fullmatch(said), said
    assert said.startswith((b"220 ", b"421 ")) or not said


@settings(max_examples=80 * TIMES, deadline=None)
@given(
    st.tuples(st.integers(-1, 10**16), st.integers(-1, 10**16))
    | st.tuples(st.integers(0, 200), st.integers(0, 200)),
    st.binary(max_size=200),
)
def test_whatever_lengths_are_told_it_goes_on(
    relay: Relay, sizes: tuple[int, int], content: bytes
) -> None:
    said = relay.answer(b"XSENDMAIL %d %d\r\n" % sizes + content, is_whole=False)
    assert REPLY.fullmatch(said), said


def test_whatever_lies_in_the_maildrop_is_taken_or_set_aside(
    relay: Relay, home: House, tmp_path: Path
) -> None:
    folder = home.data / "maildrop"
    victim = tmp_path / "victim"
    victim.write_bytes(packed(b"-t", message=MESSAGE))
    victim.chmod(0o600)
    before = victim.stat()
    accepted = home.total("accepted")
    chance = random.Random(6)
    for _ in range(60 * TIMES):
        name = f"{chance.getrandbits(128):032x}"
        whole = packed(b"-t", message=MESSAGE, number=name)
        content = chance.choice(
            [
                chance.randbytes(chance.randrange(200)) + b"\r\n",
                whole.replace(b"\0", b"\1"),
                whole.replace(b"XSENDMAIL 3", b"XSENDMAIL 999999999999999"),
                b"XSENDMAIL %d 5\r\n" % chance.randrange(10**15) + whole,
                whole + b"more",
            ]
        )
        put(folder / name, b"XSENDMALL " + content if content == whole else content)
    (folder / "link").symlink_to(victim)
    os.link(victim, folder / "hard")
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    with open(folder / "sparse", "wb") as sparse:
        sparse.truncate(2**40)
    (folder / "sparse").chmod(0o640)
    good = "f" * 32
    put(folder / good, packed(b"-t", message=MESSAGE, number=good))
    put(folder / "half", packed(b"-t", message=MESSAGE)[:-1])
    # Its writer may still be at it: it stays for an hour.
    eventually(lambda: os.listdir(folder) == ["half"], 20)
    assert home.total("accepted") == accepted + 1
    after = victim.stat()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o640)


# --- floods


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Enough of them for an attacker."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 8192), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_thousand_idle_callers_on_the_socket_hinder_nobody(
    relay: Relay, descriptors: None
) -> None:
    with ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(relay.connect())
        assert_serves(relay)


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_thousand_idle_callers_from_the_network_hinder_nobody(
    relay: Relay, descriptors: None, is_tls: bool
) -> None:
    with ExitStack() as stack:
        for number in range(1000):
            stack.enter_context(relay.dial(f"127.0.0.{2 + number // 40}", is_tls=is_tls))
        began = time.monotonic()
        with relay.dial("127.0.1.1") as wire:
            assert wire.recv(100).startswith(b"220 ")
        assert time.monotonic() - began < 1
        assert_serves(relay)


def test_who_sends_byte_by_byte_hinders_nobody(relay: Relay, descriptors: None) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(relay.connect()) for _ in range(200)]
        for wire in wires:
            wire.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n")
        for _ in range(5):
            for wire in wires:
                wire.sendall(b"x")
        assert_serves(relay)
        with relay.connect() as wire:
            wire.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n")
            wire.sendall(b"Subject: s\r\n\r\nx\r\n.\r\nQUIT\r\n")
            assert b"\r\n250 2.0.0" in read_all(wire)


def test_messages_over_the_limit_fill_no_memory(relay: Relay) -> None:
    line = b"x" * 998 + b"\r\n"
    flood = line * (2 * LIMIT // len(line) + 10)
    head = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n"
    answers: list[bytes] = []

    def send() -> None:
        with relay.connect() as wire:
            with suppress(OSError):  # it is not read to its end
                wire.sendall(head + flood)
            answers.append(read_all(wire))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 8
    assert not any(b"\r\n250 2.0.0" in answer for answer in answers)


def test_ten_thousand_recipients_are_taken_and_no_more(relay: Relay, home: House) -> None:
    accepted = home.total("accepted")
    addresses = [b"u%d@example.org" % number for number in range(10_001)]
    head = b"To: " + b",\n ".join(addresses[:-1]) + b"\nSubject: s\n\nbody\n"
    assert relay.call(b"-t", message=head) == 0
    assert home.total("accepted") == accepted + 10_000
    more = head.replace(b"To: ", b"To: " + addresses[-1] + b",\n ", 1)
    assert relay.call(b"-t", message=more) == 65
    assert home.total("accepted") == accepted + 10_000
