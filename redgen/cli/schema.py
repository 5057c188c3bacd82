"""``redgen schema``: JSON Schema of the YAML files, for editors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """Which YAML."""

    scenario = "scenario"
    playbook = "playbook"
    baseline = "baseline"


def schema(kind: Annotated[Kind, typer.Argument(help="Which YAML file.")]) -> None:
    """Print the JSON Schema of a scenario, playbook or baseline.

    For VS Code's YAML extension: redgen schema playbook > playbook.schema.json, then start the file with
    "# yaml-language-server: $schema=playbook.schema.json".
    """
    import json

    from redgen.playbook.schema import schema as json_schema

    print(json.dumps(json_schema(kind.value), indent=2))
