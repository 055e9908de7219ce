"""Promises that were broken, as exceptions.

    FacteurError
    ├── IllegalTransition   the state does not allow what was asked (a person is told)
    ├── UnknownAccount      no account has this name or number
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


class UnknownAccount(FacteurError):
    """No account has this name or number."""


class InvalidSubmission(FacteurError):
    """A message without recipients, or with line ends that cannot go out."""
