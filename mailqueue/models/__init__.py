"""The rows of the ledger: accounts, messages, recipients, counts, changes, jobs, alerts.

The database repeats what must never break: check constraints, unique keys, and partial indexes
for what workers scan. Who may write which row is told in `queue`, `service` and `counters`.
"""

from mailqueue.models.accounts import AccountToken, HostingAccount, LastRefusal, SenderPolicy
from mailqueue.models.changes import Alert, QueueJob, Review, StateChange
from mailqueue.models.counts import AccountTotals, Counted, MinuteCount, QuarterCount
from mailqueue.models.messages import Body, Message, Recipient, RecipientStatus
from mailqueue.models.pace import DeliveryRun, DestinationPace
from mailqueue.models.policies import MtaStsPolicy
from mailqueue.models.returns import Refused, Returned, Strike, Suppression
from mailqueue.models.senders import AccountDomain, ForeignSender, SigningKey
from mailqueue.models.strays import RefusedCall, SimulatedMessage

__all__ = [
    "AccountDomain",
    "AccountToken",
    "AccountTotals",
    "Alert",
    "Body",
    "Counted",
    "DeliveryRun",
    "DestinationPace",
    "ForeignSender",
    "HostingAccount",
    "LastRefusal",
    "Message",
    "MinuteCount",
    "MtaStsPolicy",
    "QuarterCount",
    "QueueJob",
    "Recipient",
    "RecipientStatus",
    "Refused",
    "RefusedCall",
    "Returned",
    "Review",
    "SenderPolicy",
    "SigningKey",
    "SimulatedMessage",
    "StateChange",
    "Strike",
    "Suppression",
]
