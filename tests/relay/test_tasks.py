import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailqueue import accounts, queue
from mailqueue.celery import DELIVER, SWEEP, hint
from mailqueue.models import Message, Recipient
from mailqueue.queue import Submission
from panel import redis_server
from relay import tasks
from tests.support.remote import Remote, Script, remote
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent.parent
StartWorker = Callable[[Remote], "subprocess.Popen[bytes]"]


@pytest.fixture
def redis(settings: Any) -> Iterator[None]:
    server = redis_server.program()
    assert server is not None
    command = redis_server.command(server, settings.REDIS_SOCKET)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(settings.REDIS_SOCKET)) == 0

    try:
        eventually(answers)
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def start_worker(redis: None) -> Iterator[StartWorker]:
    """Starts a real worker, as `manage.py up` does, whose smarthost is a remote MX."""
    started: list[subprocess.Popen[bytes]] = []

    def start(server: Remote) -> "subprocess.Popen[bytes]":
        host, port = server.address
        command = [sys.executable, "-m", "celery", "-q", "-A", "mailqueue", "worker"]
        options = ["--pool", "prefork", "--concurrency", "2", "--without-gossip", "-l", "WARNING"]
        process = subprocess.Popen(
            [*command, *options, "--without-mingle", "--without-heartbeat"],
            cwd=ROOT,
            env={**os.environ, "FACTEUR_SMARTHOST": f"{host}:{port}"},
            start_new_session=True,
        )
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def submit() -> Callable[[int], None]:
    def accept(number: int) -> None:
        account = accounts.create("boutique.example", datetime.now(UTC))
        queue.accept(
            [
                Submission(
                    account_id=account.pk,
                    sender="site@boutique.example",
                    recipients=(f"client{index}@example.org",),
                    content=b"Subject: hello\r\n\r\nbody\r\n",
                    size_bytes=24,
                    subject="hello",
                    origin=Message.Origin.SOCKET,
                )
                for index in range(number)
            ],
            datetime.now(UTC),
        )

    return accept


def statuses() -> dict[str, int]:
    found: dict[str, int] = {}
    for status in Recipient.objects.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


def test_a_worker_delivers_when_it_is_told(
    start_worker: StartWorker, submit: Callable[[int], None]
) -> None:
    submit(300)
    with remote() as server:
        start_worker(server)
        hint(DELIVER)
        eventually(lambda: statuses() == {"sent": 300})
        assert len(server.messages) == 300


def test_a_sweep_finds_what_no_hint_told(
    start_worker: StartWorker, submit: Callable[[int], None]
) -> None:
    submit(3)
    queue.claim_due(datetime.now(UTC), 2, timedelta(seconds=-5))
    assert statuses() == {"waiting": 1, "sending": 2}
    with remote() as server:
        start_worker(server)
        hint(SWEEP)
        eventually(lambda: statuses() == {"sent": 3})


@pytest.mark.parametrize("step", ["MAIL", "dot"])
def test_a_worker_that_is_told_to_stop_gives_its_mail_back(
    start_worker: StartWorker, submit: Callable[[int], None], step: str
) -> None:
    submit(500)
    with remote(Script(stalls={step})) as server:
        worker = start_worker(server)
        hint(DELIVER)
        assert server.stalled.wait(20)
        time.sleep(0.2)
        worker.send_signal(signal.SIGTERM)
        began = time.monotonic()
        worker.wait(20)
        assert time.monotonic() - began < 7
    assert statuses() == {"waiting": 500}
    lost = Recipient.objects.exclude(reply="").count()
    assert lost == 0 if step == "MAIL" else 0 < lost <= 20


def test_a_sweep_goes_on_without_redis(submit: Callable[[int], None]) -> None:
    submit(1)
    queue.claim_due(datetime.now(UTC), 1, timedelta(seconds=-5))
    tasks.sweep()
    assert statuses() == {"waiting": 1}


def test_a_second_run_leaves_its_worker_to_others(submit: Callable[[int], None]) -> None:
    submit(1)
    with tasks.alone() as is_alone, tasks.alone() as is_second_alone:
        assert (is_alone, is_second_alone) == (True, False)
        tasks.deliver()
    assert statuses() == {"waiting": 1}
