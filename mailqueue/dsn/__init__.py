"""Reading messages that come back: what they say, about whom, in whose words. Pure.

`mime` takes a message apart within bounds; `fields` reads the fields of RFC 3464 and RFC 5965,
`notes` reads reports written for people, and `recipients` joins the two; `kinds`, with its
phrases in `signs` and `subjects`, tells reports and automatic answers from other mail, and
`complaints` finds complaints. `notice.read` is the one way in. What the words mean is left to
`bounces`. Nothing here raises on foreign bytes, and all of it works in time linear in what is
read, which is at most `mime.MAX_BYTES`.
"""

from mailqueue.dsn.notice import Kind, Notice, read
from mailqueue.dsn.rows import Row

__all__ = ["Kind", "Notice", "Row", "read"]
