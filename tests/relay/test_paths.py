"""What stands after MAIL and RCPT."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.paths import Path, path_of


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("FROM:<a@b.example>", Path("a@b.example", {})),
        ("from: <a@b.example>", Path("a@b.example", {})),
        ("FROM:a@b.example", Path("a@b.example", {})),
        ("FROM:<>", Path("", {})),
        (
            "FROM:<> SIZE=5 body=8BITMIME SMTPUTF8",
            Path("", {"SIZE": "5", "BODY": "8BITMIME", "SMTPUTF8": ""}),
        ),
        ('FROM:<"a >b"@c.example> SIZE=1', Path('"a >b"@c.example', {"SIZE": "1"})),
        ('FROM:<"a\\"b"@c.example>', Path('"a\\"b"@c.example', {})),
        ("FROM:<@x,@y:a@b.example>", Path("@x,@y:a@b.example", {})),
        (None, None),
        ("", None),
        ("FROM", None),
        ("FROM:", None),
        ("FROM: ", None),
        ("TO:<a@b.example>", None),
        ("FROM:<a@b.example", None),
        ("FROM:<a@b.example>SIZE=5", None),
        ("FROM:<a b@c.example>", None),
        ("FROM:<a@b.example> SIZE=", None),
        ("FROM:<a@b.example> =5", None),
        ("FROM:<a@b.example> <c@d.example>", None),
    ],
)
def test_a_path_and_its_parameters(argument: str | None, expected: Path | None) -> None:
    assert path_of(argument, "FROM") == expected


@given(st.text(max_size=60) | st.text(alphabet='<>"\\ @.a=:\t', max_size=60))
def test_it_never_raises(text: str) -> None:
    for argument in (text, f"TO:{text}", f"TO:<{text}>"):
        found = path_of(argument, "TO")
        assert found is None or not (set(found.address) & {"\r", "\n"})
