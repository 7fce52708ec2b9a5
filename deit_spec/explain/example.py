"""What deit-spec finds in an example of the catalogue, found when it is shown."""

from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.explanation import Part
from deit_spec.recipe.documents import check_any


def findings_of(parts: Sequence[Part]) -> tuple[Diagnostic, ...]:
    """Validate the first file of an example of YAML, with the others beside it."""
    # In a folder of its own: where we are, there may be a file of the same name.
    with TemporaryDirectory() as folder, chdir(folder):
        for part in parts:
            Path(part.name).write_text(part.text, encoding="utf-8")
        return check_any(Path(parts[0].name)).diagnostics
