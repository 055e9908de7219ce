"""How accounts and their scripts behave over time: the counts that `screening.patterns` judges.

The only writer of `Habit`: one row for an account and one for each of its scripts, of bounded size,
so that a batch of messages costs a query or two to look at and two to write down, whatever was sent
before. Nothing is kept that could be read: texts, subjects and addresses are told apart by marks.

A message has the patterns of its script. Those of the whole account it has only where it names no
script, or one that is new: the contact form of a site is not to blame for what was broken into it.
Subjects and texts are counted for the whole account, for an injected mailer changes its name.

Note: an hour is that of the clock, so what is sent around its end is seen as two halves.
"""

from mailqueue.behaviour.habits import Sighting
from mailqueue.behaviour.looking import Look, forget, look, observe, prune

__all__ = ["Look", "Sighting", "forget", "look", "observe", "prune"]
