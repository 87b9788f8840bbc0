"""The settings as the markdown table of api/README.md: `python -m tests.support.settings_table`."""

import sys

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from api.settings import PREFIX, Settings


def settings_table() -> str:
    """Returns all settings as a markdown table, in the order of `api/settings.py`."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            rows += [_row(f"{name}__{key}", inner) for key, inner in group.model_fields.items()]
        else:
            rows.append(_row(name, field))
    return "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    default = field.default
    if isinstance(default, tuple):
        default = ",".join(default)
    if isinstance(default, bool):
        default = str(default).lower()
    shown = "" if default is None else f"`{default}`"
    return f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |"


if __name__ == "__main__":
    sys.stdout.write(settings_table())
