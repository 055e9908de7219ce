"""What lies in the maildrop is taken once if it is to be trusted, and set aside if it is not."""

import logging
import os
import resource
import socket
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from mailqueue import accounts, service
from mailqueue.models import HostingAccount, Message, RefusedCall
from relay import maildrop
from relay.database import in_database
from relay.intake import QUEUE_FULL_NOW, Handover, Intake
from relay.maildrop import Maildrop, Unfit, prepare, read
from tests.support.loop import run
from tests.support.relaying import ID, NOBODY, as_nobody, packed

MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"
WHOLE = packed(b"-t", b"-i", message=MESSAGE)
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="to make files of others takes root")
LATER = timedelta(hours=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path / "maildrop")
    return tmp_path / "maildrop"


def put(folder: Path, content: bytes = WHOLE, name: str = ID, mode: int = 0o640) -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def look(folder: Path, name: str = ID, after: timedelta = timedelta()) -> Handover | Unfit:
    opened = os.open(folder, os.O_RDONLY)
    try:
        return read(opened, name, datetime.now(UTC) + after)
    finally:
        os.close(opened)


def assert_unfit(folder: Path, *, now: bool, later: bool, name: str = ID) -> None:
    """Whether it is set aside at once, and after a while."""
    for after, is_final in ((timedelta(), now), (LATER, later)):
        found = look(folder, name, after)
        assert isinstance(found, Unfit)
        assert found.is_final is is_final


def test_everybody_may_make_files_and_nobody_else_can_list_them(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o3733
    folder.chmod(0o777)
    prepare(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o3733


@is_root
def test_it_gives_the_folder_our_group(folder: Path) -> None:
    os.chown(folder, -1, NOBODY)
    folder.chmod(maildrop.MODE)
    prepare(folder)
    assert folder.stat().st_gid == os.getegid()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o3733


def test_it_uses_no_file_as_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/tmp")
    for name in ("file", "link"):
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
            prepare(tmp_path / name)


def test_a_whole_file_is_the_call_of_its_owner(folder: Path) -> None:
    put(folder)
    found = look(folder)
    assert isinstance(found, Handover)
    assert (found.uid, found.arguments, found.message) == (os.getuid(), (b"-t", b"-i"), MESSAGE)
    assert (found.handover_id, found.folder, found.origin) == (ID, b"/srv", "maildrop")


@pytest.mark.parametrize("length", [0, 5, 12, 17, 18, 30, len(WHOLE) - 1])
def test_what_is_not_complete_may_still_be_written(folder: Path, length: int) -> None:
    put(folder, WHOLE[:length])
    assert_unfit(folder, now=False, later=True)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666, 0o000])
def test_a_wrong_mode_may_still_be_mended(folder: Path, mode: int) -> None:
    put(folder, mode=mode)
    assert_unfit(folder, now=False, later=True)


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 100,
        b"XSENDMAIL x y\r\n",
        b"XSENDMAIL -1 5\r\n" + b"x" * 60,
        b"DATA 1 2\r\n",
        b"\xff\xfe \0\r\n",
        b"XSENDMAIL 1 99999999\r\n",
        b"XSENDMAIL 2000000 1\r\n",
        WHOLE + b"more",
        packed(b"-t", message=MESSAGE, number="f" * 32),
        b"XSENDMAIL 3 0\r\nabc",
    ],
)
def test_what_is_no_call_is_set_aside_at_once(folder: Path, content: bytes) -> None:
    put(folder, content)
    assert_unfit(folder, now=True, later=True)


def fifo(path: Path) -> None:
    os.mkfifo(path, 0o640)


def symlink(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def dangling(path: Path) -> None:
    path.symlink_to("/no/such/file")


def hard_link(path: Path) -> None:
    put(path.parent.parent, name="other")
    path.hardlink_to(path.parent.parent / "other")


def directory(path: Path) -> None:
    path.mkdir()


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as planted:
        os.chdir(path.parent)
        planted.bind(path.name)


def foreign_group(path: Path) -> None:
    put(path.parent)
    os.chown(path, -1, NOBODY)
    path.chmod(0o640)


PLANTED = [fifo, symlink, dangling, hard_link, directory, unix_socket]


@pytest.mark.parametrize("plant", [*PLANTED, pytest.param(foreign_group, marks=is_root)])
def test_what_was_planted_is_set_aside_at_once_and_never_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(folder)
    plant(folder / ID)
    assert_unfit(folder, now=True, later=True)


def test_what_is_gone_is_no_fault(folder: Path) -> None:
    assert_unfit(folder, now=False, later=False)


def test_without_file_descriptors_nothing_is_set_aside(folder: Path) -> None:
    put(folder)
    opened = os.open(folder, os.O_RDONLY)
    taken = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
    try:
        while True:
            try:
                taken.append(os.dup(opened))
            except OSError:
                break
        found = read(opened, ID, datetime.now(UTC) + LATER)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for number in (*taken, opened):
            os.close(number)
    assert isinstance(found, Unfit)
    assert not found.is_final


@pytest.mark.parametrize("when", [-(10**9), 2**33, 10**13])
def test_the_time_that_its_owner_gives_it_means_nothing(folder: Path, when: int) -> None:
    path = put(folder, WHOLE[:-1])
    try:
        os.utime(path, (when, when))
    except OSError:
        pytest.skip("the file system has no such time")
    assert_unfit(folder, now=False, later=True)


# --- the folder


@pytest.fixture
def take(transactional_db: None, now: datetime, folder: Path) -> Callable[..., int]:
    """Look into the folder once, or more often; how many files were dealt with."""
    accounts.create("shop.example", now, uid=os.getuid())

    def looking(times: int = 1, after: timedelta = timedelta()) -> int:
        async def work() -> int:
            desk = Intake(lambda: now)
            drop = Maildrop(
                folder, folder.parent / "refused", desk, lambda: datetime.now(UTC) + after
            )
            done = sum([await drop.take_all() for _ in range(times)])
            await desk.finish()
            return done

        return run(work())

    return looking


def number(place: int) -> str:
    return f"{place:032x}"


def fill(folder: Path, *places: int) -> None:
    for place in places:
        put(folder, packed(b"-t", message=MESSAGE, number=number(place)), number(place))


def test_all_that_is_whole_is_taken(folder: Path, take: Callable[..., int]) -> None:
    fill(folder, *range(100))
    assert take() == 100
    assert list(folder.iterdir()) == []
    assert Message.objects.count() == 100
    assert take() == 0


def test_what_was_taken_before_is_not_taken_again(folder: Path, take: Callable[..., int]) -> None:
    fill(folder, 1)
    take()
    fill(folder, 1, 2)
    assert take() == 2
    assert Message.objects.count() == 2


@pytest.mark.parametrize("plant", PLANTED)
def test_what_is_set_aside_stands_in_the_way_of_nothing(
    folder: Path,
    take: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[Path], None],
) -> None:
    monkeypatch.chdir(folder)
    plant(folder / ID)
    fill(folder, 1, 2)
    assert take(times=2) == 3
    assert list(folder.iterdir()) == []
    assert Message.objects.count() == 2
    call = RefusedCall.objects.get()
    [kept] = (folder.parent / "refused").iterdir()
    assert (call.file_name, call.uid) == (kept.name, os.getuid())
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("words", "message"), [((b"-t",), b"To: a b\n\n"), ((b"-be",), MESSAGE), ((), MESSAGE)]
)
def test_what_the_relay_refuses_is_kept_for_administrators(
    folder: Path, take: Callable[..., int], words: tuple[bytes, ...], message: bytes
) -> None:
    put(folder, packed(*words, message=message))
    assert take() == 1
    assert RefusedCall.objects.get().reason
    [kept] = (folder.parent / "refused").iterdir()
    assert kept.read_bytes() == packed(*words, message=message)


@is_root
def test_mail_of_a_user_without_an_account_is_kept_for_administrators(
    folder: Path, take: Callable[..., int]
) -> None:
    path = put(folder)
    os.chown(path, NOBODY, -1)
    path.chmod(0o640)
    assert take() == 1
    assert RefusedCall.objects.get().uid == NOBODY
    assert not Message.objects.exists()


def test_on_a_full_disk_everything_stays(
    folder: Path, take: Callable[..., int], settings: object
) -> None:
    settings.MIN_FREE_DISK = 2**62  # type: ignore[attr-defined]
    fill(folder, 1, 2)
    assert take() == 0
    assert len(list(folder.iterdir())) == 2
    assert not RefusedCall.objects.exists()
    settings.MIN_FREE_DISK = 0  # type: ignore[attr-defined]
    assert take() == 2


@is_root
def test_whose_queue_is_full_waits_longer_and_longer_and_holds_up_nobody(
    transactional_db: None, now: datetime, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    accounts.create("shop.example", now, uid=os.getuid())
    full = accounts.create("full.example", now, uid=NOBODY)
    service.block(full.pk, "admin", now)
    HostingAccount.objects.filter(pk=full.pk).update(hold_limit=1)
    fill(folder, 8, 9)
    for path in folder.iterdir():
        os.chown(path, NOBODY, -1)
        path.chmod(0o640)
    times = [now]
    tried_after: list[int] = []

    def refusals() -> int:
        return sum(QUEUE_FULL_NOW.text in record.getMessage() for record in caplog.records)

    async def work() -> None:
        desk = Intake(lambda: times[-1])
        drop = Maildrop(folder, folder.parent / "refused", desk, lambda: times[-1])
        assert await drop.take_all() == 1  # there is room for one
        for second in range(2, 3600, 2):
            times.append(now + timedelta(seconds=second))
            if is_others_turn := second in {60, 3598}:
                fill(folder, second)
            before = refusals()
            assert await drop.take_all() == is_others_turn
            assert not drop.is_put_off
            if refusals() > before:
                tried_after.append(second)
        # The clock is set back: nothing waits longer for that.
        times.append(now - timedelta(days=1))
        await in_database(HostingAccount.objects.update, hold_limit=0)
        assert await drop.take_all() == 1
        await desk.finish()

    with caplog.at_level(logging.INFO):
        run(work())
    assert tried_after[:5] == [4, 12, 28, 60, 124]
    assert max(after - before for before, after in pairwise(tried_after)) == 900
    assert list(folder.iterdir()) == []


def test_what_cannot_be_set_aside_is_told_once(
    folder: Path, take: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    # In the way of every name that `refused` could hold.
    (folder.parent / "refused").symlink_to("/proc/self/fdinfo")
    fifo(folder / ID)
    fill(folder, 1)
    assert take(times=3) == 1
    assert Message.objects.count() == 1
    assert not RefusedCall.objects.exists()
    assert sum("stuck=yes" in record.message for record in caplog.records) == 1


def test_large_files_are_read_a_few_at_a_time() -> None:
    files = [("a", 30), ("b", 40 * 1024 * 1024), ("c", 1), ("d", 1)]
    assert list(maildrop._parts(files)) == [["a"], ["b"], ["c", "d"]]
    many = [(str(place), 1) for place in range(maildrop.AT_ONCE + 1)]
    assert [len(part) for part in maildrop._parts(many)] == [maildrop.AT_ONCE, 1]


@is_root
def test_a_user_can_put_nothing_there_in_the_name_of_another(
    folder: Path,
) -> None:
    """What root made elsewhere keeps its group, or is no name of its own."""
    for part in (*folder.parents,):
        if part.stat().st_uid == os.getuid() and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o011)
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    victim = put(elsewhere)
    os.chown(victim, -1, 100)
    victim.chmod(0o640)
    subprocess.run(
        [*as_nobody(), "sh", "-c", f"mv {victim} {folder / ID} || ln {victim} {folder / ID}"],
        capture_output=True,
        check=False,
    )
    if (folder / ID).exists():
        assert_unfit(folder, now=True, later=True)
