"""What HTTP adds to an answer: printed, never asserted; the aim is under 3 ms.

python -m tests.benchmarks.measure.overhead [--requests N]

The service as it runs, with a key, limits, spans and metrics, on the seeds: keep-alive, one
client, 8 passages, after a warm-up. What it adds is each request's wall time, measured by the
client, minus the pipeline's own account of the same request.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from tests.support.processes import RunningService, run_footnote  # noqa: E402  # found just above

WARM_UP = 50
PASSAGES = 8


def main() -> None:
    """Measures and prints."""
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
            "FOOTNOTE_OTLP_ENDPOINT": "http://127.0.0.1:9",  # spans are made, nobody takes them
        }
        with RunningService("--no-sync", "--data-dir", data, cwd=data, env=env) as service:
            walls, inside = request_times(service.url, key, questions, requests)
    added = [wall - own for wall, own in zip(walls, inside, strict=True)]
    print(f"requests                      {len(walls):8d}")
    print(f"over HTTP, median             {statistics.median(walls):8.2f} ms")
    print(f"inside the pipeline, median   {statistics.median(inside):8.2f} ms")
    print(f"added, median of differences  {statistics.median(added):8.2f} ms")
    print(f"added, p95                    {statistics.quantiles(added, n=20)[18]:8.2f} ms")


def request_times(
    url: str, key: str, questions: list[str], requests: int
) -> tuple[list[float], list[float]]:
    """Returns the milliseconds of each request by the client's clock and by the pipeline's."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    walls, inside = [], []
    for number in range(WARM_UP + requests):
        body = json.dumps({"question": questions[number % len(questions)], "top_k": PASSAGES})
        started = time.perf_counter()
        connection.request("POST", "/v1/answers", body, headers)
        response = connection.getresponse()
        content = response.read()
        wall_ms = (time.perf_counter() - started) * 1_000
        assert response.status == 200, content
        if number >= WARM_UP:
            walls.append(wall_ms)
            inside.append(json.loads(content)["timings_ms"]["total"])
    connection.close()
    return walls, inside


if __name__ == "__main__":
    main()
