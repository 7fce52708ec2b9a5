"""Run the scripts of the documentation and collect their diagnostics."""

import ast
from collections.abc import Iterable

from deit_spec import SpecError, WeightsError
from deit_spec.diagnostics import Diagnostic
from deit_spec.passes import ShapeInferenceError


def findings_of_script(text: str) -> tuple[Diagnostic, ...]:
    """Run a script; its diagnostics are raised or returned by its last line."""
    body = ast.parse(text).body
    last = body.pop()
    assert isinstance(last, ast.Expr), "the last line is not an expression"
    names: dict[str, object] = {}
    try:
        exec(compile(ast.Module(body, []), "<script>", "exec"), names)  # noqa: S102
        value = eval(compile(ast.Expression(last.value), "<script>", "eval"), names)  # noqa: S307
    except (SpecError, WeightsError, ShapeInferenceError) as error:
        return tuple(error.diagnostics)
    found = getattr(value, "diagnostics", value)
    return tuple(each for each in _each(found) if isinstance(each, Diagnostic))


def _each(found: object) -> Iterable[object]:
    return found if isinstance(found, tuple) else ()
