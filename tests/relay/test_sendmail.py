"""The command as a process, called as scripts call it."""

import fcntl
import os
import resource
import runpy
import signal
import socket
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue import accounts, queue
from mailqueue.models import Message, Recipient
from relay import arguments, installer
from relay.arguments import Mode
from tests.support import php
from tests.support.relaying import NOBODY, Relay, as_nobody, relay
from tests.support.waiting import eventually

MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"
COMMAND = runpy.run_path(str(installer.SOURCE))
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="to change the user takes root")


@pytest.fixture
def desk(transactional_db: None, now: datetime) -> Iterator[Relay]:
    accounts.create("shop.example", now, uid=os.getuid())
    with relay() as new:
        yield new


@pytest.fixture
def closed(desk: Relay) -> Relay:
    """The same while the relay is away."""
    desk.stop()
    return desk


def shell(
    desk: Relay, script: str, message: bytes = MESSAGE
) -> "subprocess.CompletedProcess[bytes]":
    """Run a shell script in which `$S` is the command."""
    return subprocess.run(
        ["/bin/sh", "-c", script],
        env={"S": str(desk.sendmail), "PATH": os.environ["PATH"]},
        input=message,
        cwd=desk.folder,
        capture_output=True,
        timeout=60,
        check=False,
    )


def assert_silent(result: "subprocess.CompletedProcess[bytes]") -> None:
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def assert_refused(result: "subprocess.CompletedProcess[bytes]", status: int) -> None:
    assert (result.returncode, result.stdout) == (status, b"")
    [line] = result.stderr.splitlines()
    assert line.startswith(b"sendmail: ")


def content() -> bytes:
    found = queue.content_of(Message.objects.get().pk)
    assert found is not None
    return found


def test_it_hands_a_message_over_byte_for_byte(desk: Relay) -> None:
    body = b" x \n.\n..\nFrom y\n\xff\xe9\r\nz"
    assert_silent(desk.call("-t", "-i", "-fme@shop.example", message=MESSAGE + body))
    message = Message.objects.get()
    assert (message.sender, message.folder) == ("me@shop.example", str(desk.folder))
    assert message.origin == Message.Origin.SOCKET
    assert content().endswith(b"\r\nbody\r\n x \r\n.\r\n..\r\nFrom y\r\n\xff\xe9\r\nz\r\n")


def test_without_i_a_lone_dot_ends_the_message(desk: Relay) -> None:
    assert_silent(desk.call("-t", message=MESSAGE + b"..\n.\nmore\n"))
    assert content().endswith(b"\r\nbody\r\n.\r\n")


def test_a_bare_cr_in_the_subject_makes_no_header(desk: Relay) -> None:
    raw = b"To: you@example.org\nSubject: x\rBcc: victim@example.org\n\nbody\n"
    assert_silent(desk.call("-t", "-i", message=raw))
    assert Recipient.objects.get().address == "you@example.org"
    assert b"Subject: x Bcc: victim@example.org\r\n" in content()


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["-t", "-i"], b"Subject: nobody\n\n", 64),
        (["-i"], MESSAGE, 64),
        (["--nonsense"], MESSAGE, 64),
        (["-be"], MESSAGE, 64),
        (["-t"], b"To: a b\n\n", 65),
        (["-t"], MESSAGE + b"\0", 65),
        (["-t", "-f", "a@b.example\r\nRCPT TO:<v@w.example>"], MESSAGE, 65),
        (["-t", "-i"], MESSAGE + b"x\n" * 5_000_000, 65),
        (["-t", "-i"], MESSAGE + b"x\n" * 11_000_000, 65),
    ],
)
def test_a_refusal_is_an_exit_code_and_one_line(
    desk: Relay, arguments: list[str], message: bytes, status: int
) -> None:
    assert_refused(desk.call(*arguments, message=message), status)
    assert not Message.objects.exists()
    assert desk.kept() == []


def test_a_full_disk_is_told_and_not_kept(desk: Relay, settings: object) -> None:
    settings.MIN_FREE_DISK = 2**62  # type: ignore[attr-defined]
    assert_refused(desk.call("-t", message=MESSAGE), 69)
    assert desk.kept() == []


@pytest.mark.parametrize("option", ["-X", "-C", "-D", "-oQ", "-OQueueDirectory="])
def test_no_option_makes_or_reads_a_file(desk: Relay, option: str) -> None:
    path = desk.folder / "planted.php"
    assert_silent(desk.call("-t", "-i", f"{option}{path}", message=MESSAGE))
    assert not path.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["-bp"],
        ["-bi"],
        ["-bv", "a@b.example"],
        ["-q"],
        ["-q30m"],
        ["-I"],
        ["-v", "-q"],
        ["-b", "p"],
    ],
)
def test_modes_without_a_message_wait_for_none(desk: Relay, words: list[str]) -> None:
    with subprocess.Popen(
        [desk.sendmail, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.wait(20) == 0
    assert not Message.objects.exists()


@pytest.mark.parametrize("words", [["-bp"], ["-q"], ["-bi"]])
def test_a_question_is_not_kept_while_the_relay_is_away(closed: Relay, words: list[str]) -> None:
    assert_refused(closed.call(*words), 69)
    assert closed.kept() == []


def test_a_question_is_answered_with_the_own_queue(desk: Relay) -> None:
    desk.call("-t", "-i", message=MESSAGE)
    result = desk.call("-bp")
    assert (result.returncode, result.stderr) == (0, b"")
    [line] = result.stdout.decode().splitlines()
    assert line.startswith(f"{Message.objects.get().queue_id}  ")
    assert line.endswith("  waiting  you@example.org")


WORDS = st.sampled_from(
    ["-bp", "-bs", "-bm", "-b", "-q", "-q1h", "-I", "-t", "-ti", "-tq", "-f", "-fx", "-vbp", "--",
     "-F", "-iq", "-tbi", "p", "s", "a@b.example", "-", "-oi", "--token=x", "-itf", "-IUt"]
)  # fmt: skip


@given(st.lists(WORDS | st.just(""), max_size=6))
def test_it_reads_the_options_as_the_relay_does(words: list[str]) -> None:
    """A message that is not read would go out empty."""
    found = arguments.parse([word.encode() for word in words])
    mode = COMMAND["mode_of"](words)
    if isinstance(found, arguments.Options):
        silent = {"p": Mode.LIST_QUEUE, "i": Mode.NOTHING, "q": Mode.RUN_QUEUE}
        assert silent.get(mode, Mode.DELIVER) is found.mode
        assert mode != "s"


def test_a_user_without_an_account_is_refused(closed: Relay) -> None:
    account = accounts.named("shop.example")
    account.uid = 4_000_000_000
    account.save()
    closed.start()
    assert_refused(closed.call("-t", message=MESSAGE), 67)


@is_root
def test_mail_is_the_users_who_calls(desk: Relay, now: datetime) -> None:
    other = accounts.create("other.example", now, uid=NOBODY)
    assert_silent(desk.call("-t", "-i", message=MESSAGE, user=as_nobody()))
    assert Message.objects.get().account_id == other.pk


@is_root
@pytest.mark.parametrize("umask", ["000", "022", "077", "777"])
def test_any_user_can_keep_mail_whatever_its_umask(
    closed: Relay, now: datetime, umask: str
) -> None:
    accounts.create("other.example", now, uid=NOBODY)
    user = [*as_nobody(), "sh", "-c", f'umask {umask}; exec "$@"', "sh"]
    assert_silent(closed.call("-t", "-i", message=MESSAGE, user=user))
    [name] = closed.kept()
    state = (closed.maildrop / name).stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (NOBODY, os.getegid(), 0o640)
    closed.start()
    assert closed.look() == 1
    message = Message.objects.get()
    assert (message.account.service_name, message.handover_id) == ("other.example", name)


@is_root
def test_no_user_sees_what_others_keep(closed: Relay) -> None:
    closed.call("-t", "-i", message=MESSAGE)
    [name] = closed.kept()
    path = closed.maildrop / name
    for attempt in (f"ls {closed.maildrop}", f"cat {path}", f"rm -f {path}", f"mv {path} /tmp/x"):
        assert subprocess.run([*as_nobody(), "sh", "-c", attempt], capture_output=True).returncode
    assert closed.kept() == [name]


def test_while_the_relay_is_away_it_keeps_the_message(closed: Relay) -> None:
    for number in range(3):
        assert_silent(closed.call("-t", "-i", message=MESSAGE + b"%d\n" % number))
    assert len(closed.kept()) == 3
    closed.start()
    assert closed.look() == 3
    assert closed.kept() == []
    assert {message.origin for message in Message.objects.all()} == {Message.Origin.MAILDROP}


def answering(
    desk: Relay, *words: bytes, reads: bool = True, pause: float = 0.0
) -> threading.Thread:
    """Something that is no relay, at its place, for one call."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(desk.socket))
    listener.listen()

    def answer() -> None:
        with listener, listener.accept()[0] as connection:
            if reads:
                connection.recv(1_000_000)
            for part in words:
                connection.sendall(part)
                time.sleep(pause)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"220 x\r\n",
        b"220 x\r\n451 4.3.0 exit=75 later\r\n",
        b"220 x\r\n500 what?\r\n",
        b"220 x\r\n250 ok\r\n",
        b"220 x\r\n250 2.0.0 exit= ok\r\n",
        b"\xff\r\n\xff\r\n",
    ],
)
@pytest.mark.parametrize("reads", [True, False])
def test_without_a_clear_answer_it_keeps_the_message(
    closed: Relay, words: bytes, reads: bool
) -> None:
    thread = answering(closed, words, reads=reads)
    assert_silent(closed.call("-t", message=MESSAGE + b"x\n" * 1_000_000))
    thread.join()
    assert len(closed.kept()) == 1


@pytest.mark.parametrize("reply", [b"552 5.2.2 exit=69\r\n", b"554 5.5.1 exit=64 \r\n"])
def test_a_refusal_without_a_text_is_one_line_too(closed: Relay, reply: bytes) -> None:
    thread = answering(closed, b"220 x\r\n" + reply)
    result = closed.call("-t", message=MESSAGE)
    thread.join()
    assert_refused(result, int(reply.split(b"exit=")[1]))
    assert len(result.stderr) > len("sendmail: \n")


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_lines_before_the_last_are_for_the_caller(closed: Relay, pause: float) -> None:
    words = [b"220 x\r\n250-first \xc3\xa9\r\n250-sec", b"ond\r\n250 2.0.0 exit=0 ABC\r\n"]
    thread = answering(closed, *words, pause=pause)
    result = closed.call("-bp")
    thread.join()
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == "first é\nsecond\n"


def test_if_nothing_can_keep_it_it_says_so(closed: Relay) -> None:
    closed.maildrop.rmdir()
    assert_refused(closed.call("-t", message=MESSAGE), 69)


def test_a_maildrop_without_room_keeps_no_half_a_message(closed: Relay) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    result = subprocess.run(
        [closed.sendmail, "-t"],
        input=MESSAGE + b"x\n" * 100_000,
        capture_output=True,
        preexec_fn=limit,
        check=False,
    )
    assert_refused(result, 69)
    assert closed.kept() == []


def test_a_full_file_system_keeps_no_half_a_message(closed: Relay) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=3733", "tmpfs", closed.maildrop],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("to mount takes root")
    try:
        assert_refused(closed.call("-t", message=MESSAGE + b"x\n" * 100_000), 69)
        assert closed.kept() == []
    finally:
        subprocess.run(["umount", closed.maildrop], check=True)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ('"$S" -t <&-', 64),
        ('"$S" -i you@example.org <&-', 0),
        ('"$S" -t <&- >&- 2>&-', 64),
        ('"$S" -t -i >&- 2>&-', 0),
        ('"$S" -t < /dev/null', 64),
        ('mkdir gone; cd gone; rmdir ../gone; "$S" -t', 0),
        ('PYTHONPATH=/nonexistent PYTHONHOME=/nonexistent "$S" -t', 0),
        ('LC_ALL=C "$S" -t', 0),
        ('env -i "$S" -t', 0),
        ('ulimit -n 8; "$S" -t', 0),
        ('"$S" -t >/dev/full', 0),
        ('"$S" -i 2>/dev/full', 64),
    ],
)
def test_it_bears_a_caller_in_any_state(desk: Relay, script: str, status: int) -> None:
    assert shell(desk, script).returncode == status
    assert Message.objects.exists() is (status == 0)


def test_a_folder_of_the_environment_changes_nothing(desk: Relay) -> None:
    (desk.folder / "posix.py").write_text("raise SystemExit(3)")
    (desk.folder / "_socket.py").write_text("raise SystemExit(3)")
    assert shell(desk, 'PYTHONPATH=. PYTHONSTARTUP=posix.py "$S" -t').returncode == 0


def test_a_pipe_that_does_not_block_is_read_to_its_end(desk: Relay) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with subprocess.Popen([desk.sendmail, "-t", "-i"], stdin=reading) as process:
        os.write(writing, MESSAGE)
        time.sleep(0.3)
        os.write(writing, b"the end\n")
        os.close(writing)
        assert process.wait(20) == 0
    os.close(reading)
    assert content().endswith(b"the end\r\n")


def test_a_gigabyte_fills_no_memory(desk: Relay) -> None:
    script = 'head -c 1000000000 /dev/zero | { ulimit -v 400000; exec "$S" -t -i; }'
    assert_refused(shell(desk, script), 65)


def most_memory(pid: int) -> int:
    """The most that a process has had in memory, in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


def is_drained(pipe: int) -> bool:
    """Whether all that was written into a pipe has been read."""
    return not any(fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))


def test_a_writer_of_single_bytes_costs_no_more_memory(desk: Relay) -> None:
    def memory_for(message: bytes, step: int) -> int:
        with subprocess.Popen([desk.sendmail, "-t", "-i"], stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            pipe = process.stdin.fileno()
            for place in range(0, len(message), step):
                os.write(pipe, message[place : place + step])
            eventually(lambda: is_drained(pipe))
            memory = most_memory(process.pid)
            process.stdin.close()
        assert process.returncode == 0
        return memory

    message = MESSAGE + b"x\n" * 60_000
    assert memory_for(message, 1) < memory_for(message, 60_000) + 1_000
    assert Message.objects.count() == 2


@pytest.mark.parametrize("locale", ["C", "POSIX", "ja_JP.SJIS"])
def test_arguments_are_the_callers_bytes_in_any_locale(desk: Relay, locale: str) -> None:
    script = f"LC_ALL={locale} PYTHONUTF8=0 \"$S\" -i -F 'Été' you@example.org"
    assert shell(desk, script, b"Subject: s\n\n").returncode == 0
    assert b"From: =?utf-8?B?w4l0w6k=?=" in content()


def test_an_impatient_person_sees_no_traceback(desk: Relay) -> None:
    with subprocess.Popen(
        [desk.sendmail, "-t"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.write(MESSAGE)
        process.stdin.flush()
        reads = Path(f"/proc/{process.pid}/wchan")
        eventually(lambda: "pipe" in reads.read_text(), what="it reads")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 69
    assert errors == b"sendmail: KeyboardInterrupt\n"


DIALOGUE = (
    b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
    b"Subject: s\r\n\r\nbody\r\n.\r\nQUIT\r\n"
)


def test_with_bs_it_speaks_smtp(desk: Relay) -> None:
    result = desk.call("-bs", message=DIALOGUE)
    assert (result.returncode, result.stderr) == (0, b"")
    codes = [line[:3] for line in result.stdout.splitlines() if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert Recipient.objects.get().address == "c@d.example"


def test_with_bs_a_caller_that_says_no_quit_is_answered(desk: Relay) -> None:
    result = desk.call("-bs", message=DIALOGUE.removesuffix(b"QUIT\r\n"))
    assert result.stdout.splitlines()[-1].startswith(b"250")
    assert Message.objects.count() == 1


def test_with_bs_half_a_message_is_none(desk: Relay) -> None:
    desk.call("-bs", message=DIALOGUE.partition(b"body")[0])
    assert desk.call("-bs", message=b"QUIT\r\n").returncode == 0
    assert not Message.objects.exists()


def test_after_two_dashes_bs_is_a_recipient(desk: Relay) -> None:
    assert_silent(desk.call("-i", "--", "-bs", message=MESSAGE))
    assert Recipient.objects.get().address.startswith("-bs@")


def test_with_bs_and_no_relay_it_says_so(closed: Relay) -> None:
    result = closed.call("-bs", message=DIALOGUE)
    assert (result.returncode, result.stdout[:4]) == (69, b"421 ")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('mail("you@example.org", "s", "b", "From: a@b.example")', {"you@example.org"}),
        ('mail("you@example.org", "s\\r\\nBcc: v@w.example", "b")', {"you@example.org"}),
        ('mail("you@example.org", "s", "b", "Cc: c@d.example\\r\\nBcc: e@f.example")',
         {"you@example.org", "c@d.example", "e@f.example"}),
        ('mail("you@example.org", "s", "b", "", "-f me@shop.example -X/tmp/x.php")',
         {"you@example.org"}),
        ('mail("\\"Doe, J\\" <you@example.org>", "s", "a\\n.\\nb")', {"you@example.org"}),
    ],
)  # fmt: skip
def test_php_mail(desk: Relay, tmp_path: Path, call: str, expected: set[str]) -> None:
    result = php.run(f"<?php var_dump({call});", desk.sendmail, tmp_path)
    assert (result.stdout, result.stderr) == ("bool(true)\n", "")
    assert {row.address for row in Recipient.objects.all()} == expected
    message = Message.objects.get()
    assert message.script == "script.php"
    assert b"\r\nBcc:" not in content()


def test_php_mail_hears_of_a_refusal_and_of_nothing_while_the_relay_is_away(
    desk: Relay, tmp_path: Path
) -> None:
    script = '<?php var_dump(mail("a b", "s", "b"), mail("a@b.example", "s", "b"));'
    result = php.run(script, desk.sendmail, tmp_path)
    assert result.stdout == "bool(false)\nbool(true)\n"
    desk.stop()
    result = php.run(script, desk.sendmail, tmp_path)
    assert result.stdout == "bool(true)\nbool(true)\n"
    desk.start()
    assert desk.look() == 2
    assert Message.objects.count() == 2
    assert len(list(desk.refused.iterdir())) == 1
