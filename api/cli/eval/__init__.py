"""`footnote eval`: measures how correct the answers are, and compares runs."""

import typer

from . import cases, compare, judge, run, show

app = typer.Typer(
    help="Measure how correct the answers are, and compare runs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("compare")(compare.compare)
app.command("gate")(compare.gate)
app.command("rescore")(show.rescore)
app.command("show")(show.show)
app.command("list")(show.list_runs)
app.command("import")(cases.import_cases)
app.command("draft")(cases.draft)
app.command("judge")(judge.judge)
app.command("judge-agreement")(judge.judge_agreement)
