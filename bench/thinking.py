"""What costs the processor alone: reading a report of a failure."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Row
from bench.stage import Stage
from mailqueue.bounces import classify_report

SAMPLES = Path(__file__).resolve().parent.parent / "tests" / "data" / "bounces"
REPORTS = Row("reports of failures understood", "reports/s", alone="Postfix makes them")


async def measure(stage: Stage) -> None:
    """Classify the samples of the tests, one after the other."""
    samples = [path.read_bytes() for path in sorted(SAMPLES.glob("*.eml"))]
    for _ in stage.each_round():
        rate = await asyncio.to_thread(_classify, samples, max(1, int(10 * stage.share)))
        stage.figures.note(REPORTS, "Facteur", rate)


def _classify(samples: Sequence[bytes], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        for sample in samples:
            classify_report(sample)
    return times * len(samples) / (time.perf_counter() - began)
