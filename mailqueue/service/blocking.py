"""What people do to one script by a click: block, unblock, purge. The state of the service stays.

A click leaves a job for the mail that stands in the queue: `start_script_job` does its first slices
and `tasks` the rest. A purge that is going on is not cut short: what was clicked meanwhile follows
it.
"""

from datetime import datetime

from django.db import transaction

from mailqueue import queue, scripts
from mailqueue.errors import UnknownScript
from mailqueue.models import Script, ScriptJob
from mailqueue.service.jobs import SLICE

Kind = ScriptJob.Kind
_STEPS = {
    Kind.HOLD: queue.hold_of_script,
    Kind.RELEASE: queue.release_of_script,
    Kind.PURGE: queue.purge_of_script,
}


def block_script(account_id: int, key: str, actor: str, now: datetime) -> Script:
    """Have the mail of a script held from now on, and what of it waits.

    One that is blocked already stays as it is. Raises UnknownScript, also for the row that stands
    for all others; UnknownAccount.
    """
    with transaction.atomic():
        script = _locked(account_id, key)
        if script.blocked_at is None:
            scripts.block(script, actor, now)
            _begin(script, Kind.HOLD)
    return script


def unblock_script(account_id: int, key: str, now: datetime) -> Script:
    """Let the mail of a script go again, with what was held of it. Raises as `block_script`."""
    with transaction.atomic():
        script = _locked(account_id, key)
        if script.blocked_at is not None:
            scripts.unblock(script)
            _begin(script, Kind.RELEASE)
    return script


def purge_script(account_id: int, key: str, now: datetime) -> Script:
    """Delete what stands of a script in the queue now, held or waiting. Raises as `block_script`.

    What is being sent at this moment is left alone.
    """
    with transaction.atomic():
        script = _locked(account_id, key)
        ScriptJob.objects.filter(script=script).delete()
        _begin(script, Kind.PURGE)
    return script


def open_script_jobs() -> list[int]:
    """The numbers of the scripts of which jobs are not finished."""
    return list(ScriptJob.objects.order_by("pk").values_list("pk", flat=True))


def start_script_job(script: Script, now: datetime) -> None:
    """Do the first slices with the click, so that a short queue is done when the page answers.

    After the commit of the click: a worker that counts failures holds their recipients and wants
    the script's row, which the click holds until then.
    """
    if advance_script(script.pk, now) is not None:
        advance_script(script.pk, now)


def advance_script(script_id: int, now: datetime, limit: int = SLICE) -> int | None:
    """Do one slice of the job of a script; return the script to go on with, None at the end."""
    with transaction.atomic():
        job = ScriptJob.objects.select_related("script").filter(pk=script_id).first()
        if job is None:
            return None
        queue.lock_account(job.script.account_id)
        # Another worker may have ended it meanwhile, or a click changed it.
        job = ScriptJob.objects.select_related("script").filter(pk=script_id).first()
        if job is None:
            return None
        script, kind = job.script, Kind(job.kind)
        piece = _STEPS[kind](script, job.after_id, job.through_id, limit, now)
        job.done += piece.number
        if piece.last_id is not None:
            job.after_id = piece.last_id
            job.save(update_fields=["done", "after_id"])
            return script_id
        job.delete()
        if kind is not Kind.PURGE:
            return None
        # For what came in while it ran, and for what somebody clicked.
        _begin(script, Kind.RELEASE if script.blocked_at is None else Kind.HOLD)
        return script_id


def _locked(account_id: int, key: str) -> Script:
    """The script, with its account locked."""
    queue.lock_account(account_id)
    script = Script.objects.filter(account_id=account_id, key=key).exclude(key=scripts.REST).first()
    if script is None:
        raise UnknownScript(key)
    return script


def _begin(script: Script, kind: Kind) -> None:
    """Open a job for what stands in the queue now, in place of another; a purge goes on."""
    if ScriptJob.objects.filter(script=script, kind=Kind.PURGE).exists():
        return
    ScriptJob.objects.update_or_create(
        script=script,
        defaults={
            "kind": kind,
            "after_id": 0,
            "through_id": queue.last_queued_id(script.account_id),
            "done": 0,
        },
    )
