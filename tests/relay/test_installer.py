"""The command is written with an interpreter and paths that work for every user."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from relay import installer


def test_it_writes_the_paths_and_a_short_first_line(tmp_path: Path) -> None:
    path = tmp_path / "sendmail"
    installer.install(path, Path("/run/r.sock"), Path("/var/m"))
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o755
    assert text.startswith("#!/")
    assert text.splitlines()[0].endswith(" -ISXutf8")
    assert "RELAY = '/run/r.sock'\n" in text
    assert "MAILDROP = '/var/m'\n" in text
    assert "@" not in text.partition("PATIENCE")[0].partition("RELAY")[2]
    assert [name.name for name in tmp_path.iterdir()] == ["sendmail"]


def test_it_replaces_the_one_before_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "sendmail"
    installer.install(path, Path("/a"), Path("/b"))
    before = path.stat().st_ino
    installer.install(path, Path("/c"), Path("/d"))
    assert path.stat().st_ino != before
    assert "RELAY = '/c'\n" in path.read_text()
    with pytest.raises(OSError, match="directory"):
        installer.install(tmp_path, Path("/a"), Path("/b"))
    assert not [name for name in tmp_path.parent.iterdir() if name.name.startswith(".sendmail")]


def test_it_never_replaces_another_mail_systems_command(tmp_path: Path) -> None:
    other = tmp_path / "postfix"
    other.write_text("#!/bin/sh\nexec postfix\n")
    link = tmp_path / "sendmail"
    link.symlink_to(other)
    empty = tmp_path / "empty"
    empty.touch()
    for path in (other, link, empty):
        before = (path.is_symlink(), path.read_bytes())
        with pytest.raises(CommandError, match="another mail system's; move it away"):
            call_command("installsendmail", str(path))
        assert (path.is_symlink(), path.read_bytes()) == before


@pytest.mark.parametrize("name", ["with blank", "deep/" * 30, 'quote"$(x)`'])
def test_an_interpreter_that_no_shebang_can_name_still_runs(tmp_path: Path, name: str) -> None:
    interpreter = tmp_path / name / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.symlink_to(os.path.realpath(sys.executable))
    path = tmp_path / "sendmail"
    path.write_text(installer.script(str(interpreter), Path("/no/relay"), Path("/no/drop")))
    path.chmod(0o755)
    result = subprocess.run([path, "-t", "a b", ""], input=b"", capture_output=True, check=False)
    assert (result.returncode, result.stderr.count(b"\n")) == (69, 1)
    assert result.stderr.startswith(b"sendmail: the relay cannot be reached")


@pytest.mark.parametrize("bad", ["a'b", "a\nb", "a\\b", "a\0b"])
def test_a_path_that_could_end_the_string_is_refused(bad: str) -> None:
    for paths in ((f"/{bad}", "/r", "/m"), ("/p", f"/{bad}", "/m"), ("/p", "/r", f"/{bad}")):
        with pytest.raises(ValueError, match="cannot stand"):
            installer.script(paths[0], Path(paths[1]), Path(paths[2]))


def test_it_prefers_an_interpreter_that_every_user_can_reach(tmp_path: Path) -> None:
    private = tmp_path / "home" / "python"
    private.parent.mkdir(mode=0o700)
    private.write_text("")
    private.chmod(0o755)
    assert installer.interpreter(str(private), "/bin/sh") == os.path.realpath("/bin/sh")
    assert installer.interpreter("/bin/sh", str(private)) == os.path.realpath("/bin/sh")
    assert installer.interpreter(str(private), "/no/python") == str(private)


def test_the_command_says_what_to_paste(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("installsendmail", str(tmp_path / "sendmail"))
    said = capsys.readouterr()
    assert said.out == f'sendmail_path = "{tmp_path}/sendmail -t -i"\n'
    assert said.err == ""
    call_command("installsendmail", str(tmp_path / "mailer"))
    assert "PHPMailer" in capsys.readouterr().err
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("installsendmail", str(tmp_path / "no" / "sendmail"))
