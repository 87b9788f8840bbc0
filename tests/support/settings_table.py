"""The settings as the markdown table of api/README.md: `python -m tests.support.settings_table`."""

import sys

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from api.settings import PREFIX, Settings
from api.settings_types import ScaleFields


def settings_table() -> str:
    """Returns all settings as a markdown table, in the order of `api/settings.py`, scale last."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    fields = Settings.model_fields
    for name, field in sorted(fields.items(), key=lambda one: one[0] in ScaleFields.model_fields):
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
