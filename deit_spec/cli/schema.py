"""`deit-spec schema`: the JSON Schema of a spec, for editors."""

from deit_spec.cli.arguments import OutputOption
from deit_spec.cli.output import emit


def run(output: OutputOption = None) -> None:
    """Print the JSON Schema of a spec, which editors complete and check by."""
    from deit_spec.spec.json_schema import json_schema_text

    emit(json_schema_text(), output)
