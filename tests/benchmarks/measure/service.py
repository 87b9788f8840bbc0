"""Start-up time, latency and memory of the service.

python -m tests.benchmarks.measure.service

`footnote --help`; a second `serve` on the seeds until /readyz returns 200; its memory after 20
questions; the median latency of warm questions over HTTP and within the pipeline.
"""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

from tests.support.processes import (
    COMMAND,
    ROOT,
    RunningService,
    clean_environment,
    run_footnote,
)

WARM_QUESTIONS = 100


def help_s() -> float:
    """Returns the median time of five runs of `footnote --help`."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(
            [*COMMAND, "--help"], env=clean_environment(), capture_output=True, check=True
        )
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def rss_mb(pid: int) -> float:
    """Returns the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Prints the figures."""
    lines = (ROOT / "tests" / "data" / "seeds.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    print(f"footnote --help                 {help_s():8.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        run_footnote("sync", ROOT / "seeds", "--data-dir", data, cwd=data)
        started = time.perf_counter()
        with RunningService(ROOT / "seeds", "--data-dir", data, cwd=data) as service:
            print(f"second serve until ready        {time.perf_counter() - started:8.2f} s")
            with httpx.Client(base_url=service.url, timeout=60) as client:
                for question in questions[:20]:
                    client.post("/v1/answers", json={"question": question}).raise_for_status()
                print(f"VmRSS after 20 questions        {rss_mb(service.process.pid):8.0f} MB")
                wall_ms, pipeline_ms = [], []
                for number in range(WARM_QUESTIONS):
                    question = {"question": questions[number % len(questions)]}
                    started = time.perf_counter()
                    reply = client.post("/v1/answers", json=question).json()
                    wall_ms.append((time.perf_counter() - started) * 1000)
                    pipeline_ms.append(reply["timings_ms"]["total"])
    print(f"a warm question over HTTP, p50  {statistics.median(wall_ms):8.1f} ms")
    print(f"… of which inside the pipeline  {statistics.median(pipeline_ms):8.1f} ms")


if __name__ == "__main__":
    main()
