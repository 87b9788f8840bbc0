"""`footnote eval`: how right the answers are, whether a change made them better, and where.

The commands are in the modules `eval_*`; this one only names them.
"""

import typer

from . import cases as eval_cases
from . import compare as eval_compare
from . import judge as eval_judge
from . import matrix as eval_matrix
from . import run as eval_run
from . import show as eval_read

app = typer.Typer(
    help="Measure how right the answers are, and compare two runs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("run")(eval_run.run)
app.command("matrix")(eval_matrix.matrix)
app.command("compare")(eval_compare.compare)
app.command("gate")(eval_compare.gate)
app.command("rescore")(eval_read.rescore)
app.command("show")(eval_read.show)
app.command("list")(eval_read.list_runs)
app.command("import")(eval_cases.import_cases)
app.command("draft")(eval_cases.draft)
app.command("judge")(eval_judge.judge)
app.command("judge-agreement")(eval_judge.judge_agreement)
