"""What other servers say, and what they mean by it: rules as data. Pure.

`tags` holds codes and marks that one provider gives one meaning, `english` what is said in
English, `languages` what is said in others, `codes` what enhanced status codes and replies mean
when the words tell nothing. Words decide before codes: the same 5.7.1 stands for a dozen causes.

A rule is one line, `(category, phrase)`: phrases are compared with text in the form that
`words.plain` gives it. The first rule that fits decides, so what is special stands above what
is general. A new rule comes with a line in `tests/data/bounces/replies.tsv`.
"""

from mailqueue.bounce_rules.categories import (
    DEAD,
    NOT_FAILURES,
    OF_HOUSE,
    OF_RECIPIENT,
    Category,
    advice,
)

__all__ = ["DEAD", "NOT_FAILURES", "OF_HOUSE", "OF_RECIPIENT", "Category", "advice"]
