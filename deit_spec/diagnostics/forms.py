"""The forms in which findings are printed."""

from collections.abc import Sequence
from enum import Enum

from deit_spec.diagnostics.model import Diagnostic


class Form(Enum):
    """For whom findings are printed: a person, a pipe, a program, a service."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"

    @property
    def is_document(self) -> bool:
        """Whether all findings are one document, which is there without any too."""
        return self in {Form.JSON, Form.SARIF}


def render(diagnostics: Sequence[Diagnostic], form: Form) -> str:
    """Write findings in a form other than text, which is drawn with rich."""
    from deit_spec.diagnostics import concise, github, json_form, sarif  # noqa: PLC0415

    writers = {
        Form.CONCISE: concise.render,
        Form.JSON: json_form.render,
        Form.GITHUB: github.render,
        Form.SARIF: sarif.render,
    }
    return writers[form](diagnostics)
