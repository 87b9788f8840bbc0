"""The overhead of HTTP on an answer; the target is under 3 ms.

python -m tests.benchmarks.measure.overhead [--requests N]

The service over the seeds with a key, rate limits, spans and metrics: keep-alive, one client, 8
passages, after a warm-up. The overhead is the wall time of a request, measured by the client, minus
the time within the pipeline for the same request.
"""

import argparse
import http.client
import json
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.processes import ROOT, RunningService, run_footnote

WARM_UP = 50
PASSAGES = 8


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=500)
    requests = parser.parse_args().requests
    lines = (ROOT / "tests" / "data" / "seeds.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        run_footnote("sync", ROOT / "seeds", "--data-dir", data, cwd=data)
        key = run_footnote("keys", "create", "--data-dir", data, cwd=data).stdout.strip()
        env = {
            "FOOTNOTE_RATE_LIMIT_PER_MINUTE": "1000000",
            "FOOTNOTE_OTLP_ENDPOINT": "http://127.0.0.1:9",  # no collector receives the spans
        }
        with RunningService("--no-sync", "--data-dir", data, cwd=data, env=env) as service:
            wall_times, pipeline_times = request_times(service.url, key, questions, requests)
    added = [wall - own for wall, own in zip(wall_times, pipeline_times, strict=True)]
    print(f"requests                      {len(wall_times):8d}")
    print(f"over HTTP, median             {statistics.median(wall_times):8.2f} ms")
    print(f"inside the pipeline, median   {statistics.median(pipeline_times):8.2f} ms")
    print(f"added, median of differences  {statistics.median(added):8.2f} ms")
    print(f"added, p95                    {statistics.quantiles(added, n=20)[18]:8.2f} ms")


def request_times(
    url: str, key: str, questions: list[str], requests: int
) -> tuple[list[float], list[float]]:
    """Returns the milliseconds of each request over HTTP and within the pipeline."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    wall_times, pipeline_times = [], []
    for number in range(WARM_UP + requests):
        body = json.dumps({"question": questions[number % len(questions)], "top_k": PASSAGES})
        started = time.perf_counter()
        connection.request("POST", "/v1/answers", body, headers)
        response = connection.getresponse()
        content = response.read()
        wall_ms = (time.perf_counter() - started) * 1_000
        assert response.status == 200, content
        if number >= WARM_UP:
            wall_times.append(wall_ms)
            pipeline_times.append(json.loads(content)["timings_ms"]["total"])
    connection.close()
    return wall_times, pipeline_times


if __name__ == "__main__":
    main()
