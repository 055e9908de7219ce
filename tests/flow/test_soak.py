"""A short form of `make soak`: mails by PHP while one program after the other is killed."""

from tests.support.soak import soak, stage


def test_nothing_is_lost_while_programs_are_killed_at_random() -> None:
    with stage(on_postgresql=True) as (home, server, database):
        result = soak(
            home,
            server,
            mails=300,
            seed=20,
            within_s=60,
            database=database,
            pauses_s=(0.2, 0.8),
        )
        print(result)
        assert result.problems == [], home.output
        assert result.refused == 0
        assert result.kills.total() >= 3, result
