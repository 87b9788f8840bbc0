"""Long tasks in the page while a 2,000-token answer streams into the chat widget.

    python -m tests.benchmarks.measure.widget

A long task blocks the page for 50 ms or more (W3C Long Tasks). Needs chromium.
"""

import threading
from collections.abc import Iterator

from tests.support.browser import launch_chromium, open_tab
from tests.support.fake_service import (
    FakeService,
    Page,
    Step,
    answer,
    answer_events,
    citation,
    page_with_widget,
)
from tests.widget.test_stream import LONG, TOKENS

OBSERVE_LONG_TASKS = """() => {
    window.tasks = [];
    const spent = (task) => Math.round(task.duration);
    const note = (list) => tasks.push(...list.getEntries().map(spent));
    new PerformanceObserver(note).observe({ type: "longtask" });
}"""


def paced_events(pause_s: float) -> Iterator[Step]:
    pause = threading.Event()
    for step in answer_events(answer(LONG, citations=[citation(1), citation(2)]), piece=TOKENS):
        yield step
        pause.wait(pause_s)


def main() -> None:
    print(f"{len(LONG) // TOKENS} tokens, {LONG.count(chr(10) * 2) + 1} blocks")
    print("| tokens per second | seconds | long tasks | longest, ms |\n|---|---|---|---|")
    for rate in (100, 1_000):
        with (
            FakeService(lambda _, rate=rate: paced_events(1 / rate)) as service,
            launch_chromium() as browser,
        ):
            service.pages["/"] = Page(page_with_widget(service))
            with open_tab(browser) as (page, _):
                page.goto(service.url)
                page.wait_for_selector("footnote-chat #question")
                page.evaluate(OBSERVE_LONG_TASKS)
                took_ms = page.evaluate(
                    """async () => {
                        const began = performance.now();
                        await document.querySelector("footnote-chat").ask("How long?");
                        return performance.now() - began;
                    }"""
                )
                tasks: list[int] = page.evaluate("tasks")
        print(f"| {rate} | {took_ms / 1000:.1f} | {len(tasks)} | {max(tasks, default=0)} |")


if __name__ == "__main__":
    main()
