"""What is sealed opens with the house's keys alone, and for its purpose alone."""

from typing import Any

from mailqueue.sealing import opened, seal


def test_a_secret_opens_with_an_older_key_of_the_house(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    sealed = seal("hush", "letters")
    assert "hush" not in sealed
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    assert opened(sealed, "letters") == "hush"
    assert opened(sealed, "parcels") is None
    settings.SECRET_KEY_FALLBACKS = []
    assert opened(sealed, "letters") is None
    assert opened("", "letters") is None
