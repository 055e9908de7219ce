"""The rows of the ledger: accounts, messages, recipients, counts, changes, jobs, alerts.

The database repeats what must never break: check constraints, unique keys, and partial indexes
for what workers scan. Who may write which row is told in `queue`, `service` and `counters`.
"""

from mailqueue.models.accounts import (
    AccountToken,
    HostingAccount,
    LastRefusal,
    Screening,
    SenderPolicy,
)
from mailqueue.models.changes import Alert, QueueJob, Review, StateChange
from mailqueue.models.counts import AccountTotals, Counted, MinuteCount, QuarterCount
from mailqueue.models.engines import EngineState
from mailqueue.models.facts import LinkedHost, ListAnswer
from mailqueue.models.habits import Habit
from mailqueue.models.messages import Body, Message, Recipient, RecipientStatus
from mailqueue.models.pace import DeliveryRun, DestinationPace
from mailqueue.models.policies import MtaStsPolicy
from mailqueue.models.probes import Probe, ProbeAddress
from mailqueue.models.returns import Refused, Returned, Strike, Suppression
from mailqueue.models.screening import (
    AccountRule,
    CaseSample,
    HouseRule,
    Judgement,
    RuleCount,
    SpamCase,
)
from mailqueue.models.scripts import Script, ScriptCount, ScriptJob
from mailqueue.models.senders import AccountDomain, ForeignSender, SigningKey
from mailqueue.models.strays import RefusedCall, SimulatedMessage

__all__ = [
    "AccountDomain",
    "AccountRule",
    "AccountToken",
    "AccountTotals",
    "Alert",
    "Body",
    "CaseSample",
    "Counted",
    "DeliveryRun",
    "DestinationPace",
    "EngineState",
    "ForeignSender",
    "Habit",
    "HostingAccount",
    "HouseRule",
    "Judgement",
    "LastRefusal",
    "LinkedHost",
    "ListAnswer",
    "Message",
    "MinuteCount",
    "MtaStsPolicy",
    "Probe",
    "ProbeAddress",
    "QuarterCount",
    "QueueJob",
    "Recipient",
    "RecipientStatus",
    "Refused",
    "RefusedCall",
    "Returned",
    "Review",
    "RuleCount",
    "Screening",
    "Script",
    "ScriptCount",
    "ScriptJob",
    "SenderPolicy",
    "SigningKey",
    "SimulatedMessage",
    "SpamCase",
    "StateChange",
    "Strike",
    "Suppression",
]
