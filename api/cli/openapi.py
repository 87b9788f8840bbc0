"""`python -m api.cli.openapi > openapi.json`: writes the committed OpenAPI document.

Clients are generated from it; it contains every route, independent of the settings.
"""

import json
import sys

from ..app import create_app
from ..settings import Settings


def document() -> str:
    """Returns the text of `openapi.json`."""
    settings = Settings.model_construct()  # the defaults, not the environment
    return json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
