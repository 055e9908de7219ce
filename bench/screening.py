"""What screening costs: usual letters, and messages made to be slow.

`python -m bench.screening` prints the mean and the 95th percentile of the honest letters of the
tests, each read once, and the five slowest of the hostile messages. Time of the processor, so that
a busy machine does not change it much.
"""

import time

from mailqueue.screening import screen
from tests.support.hostile_mail import messages
from tests.support.letters import texts


def main() -> None:
    """Measure and print."""
    usual = sorted(_milliseconds(text.message()) for text in texts("honest"))
    mean = sum(usual) / len(usual)
    late = usual[len(usual) * 95 // 100]
    print(f"{len(usual)} usual letters: mean {mean:.2f} ms, p95 {late:.2f} ms")
    hostile = sorted(((_milliseconds(message), name) for name, message in messages()), reverse=True)
    print(f"{len(hostile)} hostile messages: worst {hostile[0][0]:.0f} ms")
    for spent, name in hostile[:5]:
        print(f"  {spent:5.0f} ms  {name}")


def _milliseconds(message: bytes) -> float:
    begin = time.process_time()
    screen(message)
    return 1000 * (time.process_time() - begin)


if __name__ == "__main__":
    main()
