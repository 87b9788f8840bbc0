"""What `--help` shows: commands in groups, and examples below the options.

Plain text by Typer's own formatter: rich's boxes would add a third to the time of `--help`, and
its wrapping would break examples that are to be copied.
"""

from typing import Any

import typer
from typer.core import TyperGroup

CONTEXT = {"help_option_names": ["-h", "--help"]}
_MAX_SUMMARY_CHARS = 200

EXAMPLES = {
    "ask": (
        'footnote ask "Who supplies the batteries of the SU7?"',
        "footnote ask                              # a conversation; Ctrl-D ends it",
        "footnote ask - < question.txt",
        'footnote ask "How many days of leave?" --url https://kb.example --key KEY',
    ),
    "search": (
        'footnote search "battery suppliers"',
        'footnote search "sick leave" --source handbook/ --since 2026-01-01 --json',
    ),
    "serve": (
        "footnote serve articles",
        "footnote serve articles --port 8001 --watch --verbose",
        "footnote serve --model gpt-4o-mini --workers 4",
    ),
    "mcp": ("footnote mcp --stdio --data-dir /srv/footnote",),
    "sync": ("footnote sync articles", "footnote sync articles --collection handbook --watch"),
    "add": (
        "footnote add https://example.org/handbook/leave articles",
        "footnote add --sitemap https://example.org/sitemap.xml articles",
        "footnote add --refresh articles",
    ),
    "status": ("footnote status", "footnote status --collection handbook --json"),
    "verify": ("footnote verify",),
    "rollback": ("footnote rollback --collection handbook",),
    "replay": ("footnote replay ans_0f3c9a21b4d5e6f7",),
    "doctor": ("footnote doctor", "footnote doctor --online --origin https://site.example"),
    "worker": ("footnote worker --pool tcp://scheduler.internal:8786",),
    "keys create": (
        'footnote keys create --name "the wiki" --collection default --days 90',
        "footnote keys create --scope read --scope write",
    ),
    "keys list": ("footnote keys list",),
    "keys revoke": ("footnote keys revoke 1a2b3c4d",),
    "state import": ("footnote state import --data-dir /srv/footnote",),
    "sessions list": ("footnote sessions list",),
    "sessions revoke": (
        "footnote sessions revoke 5069b4a0e95c1b16",
        "footnote sessions revoke --all",
    ),
    "feedback list": ("footnote feedback list", "footnote feedback list --rating down --json"),
    "feedback export": ("footnote feedback export --out cases.jsonl",),
    "questions list": ("footnote questions list --state refused",),
    "questions export": ("footnote questions export --format jsonl --out drafts.jsonl",),
    "widget snippet": ("footnote widget snippet --origin https://site.example",),
    "eval run": (
        "footnote eval run questions.jsonl --corpus articles --out runs/today",
        "footnote eval run questions.jsonl --url http://127.0.0.1:8000 --limit 50 --seed 1",
    ),
    "eval compare": ("footnote eval compare runs/before runs/today",),
    "eval gate": (
        "footnote eval gate runs/today --min 'answer_cited>=0.6'",
        "footnote eval gate runs/today --baseline runs/before --max-regression 0.02",
    ),
    "eval rescore": ("footnote eval rescore runs/today",),
    "eval show": ("footnote eval show runs/today leave-1",),
    "eval list": ("footnote eval list runs",),
    "eval import": ("footnote eval import squad dev.json --out cases.jsonl",),
    "eval draft": ("footnote eval draft articles --out draft.jsonl",),
    "eval judge": ("footnote eval judge runs/today --model gpt-4o-mini",),
    "eval judge-agreement": ("footnote eval judge-agreement runs/today labels.jsonl",),
}
"""Command → what its `--help` shows to copy; each of them parses, which a test holds."""


class GroupedCommands(TyperGroup):
    """A group that lists its commands under the headings of their `rich_help_panel`."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # Any: Typer's types are private
        """Writes the commands of each panel below its heading."""
        names = self.list_commands(ctx)
        width = max(map(len, names))
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in names:
            command = self.commands[name]
            panel = getattr(command, "rich_help_panel", None)
            row = name.ljust(width), command.get_short_help_str(_MAX_SUMMARY_CHARS)
            panels.setdefault(panel if isinstance(panel, str) else "Commands", []).append(row)
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


def add_examples(app: typer.Typer, group: str = "") -> None:
    """Adds to each registered command its examples; `group` is the name of the app, if any."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "")
        lines = EXAMPLES.get(f"{group} {name}".strip(), ())
        command.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
