"""Promises that were broken, as exceptions.

    FacteurError
    ├── IllegalTransition   the state does not allow what was asked (a person is told)
    │   ├── ReviewRequired  an administrator must look first
    │   └── AccountClosed   its mail stays where it is until it is reopened
    ├── NoReview            nobody waits for a review of this account
    ├── UnknownAccount      no account has this name or number
    ├── UnknownScript       no script of this account is known by this key
    └── InvalidSubmission   a message that no caller of the queue may hand over

A refused recipient is no exception but an `Outcome`; a message that may not come in is a
`Refusal`.
"""


class FacteurError(Exception):
    """What Facteur raises on purpose."""


class IllegalTransition(FacteurError):
    """The event is not allowed in the state the account is in; nothing was changed."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"{event} is not allowed in state {state}")
        self.state = state
        self.event = event


class ReviewRequired(IllegalTransition):
    """The state would allow it, but an administrator must look first; nothing was changed."""


class AccountClosed(IllegalTransition):
    """The state would allow it, but a closed account sends nothing; nothing was changed."""


class NoReview(FacteurError):
    """No review of this account is required, or nobody has asked for one."""


class UnknownAccount(FacteurError):
    """No account has this name or number."""


class UnknownScript(FacteurError):
    """No script of this account is known by this key."""


class InvalidSubmission(FacteurError):
    """A message without recipients, or with line ends that cannot go out."""
