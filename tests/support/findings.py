"""Diagnostics for tests: drawn ones, those of a text, and their positions."""

from pathlib import Path

from hypothesis import strategies as st

from deit_spec.diagnostics import (
    CATALOGUE,
    Diagnostic,
    Edit,
    Fix,
    Label,
    Severity,
    Source,
    Span,
    diagnose,
)
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.recipe.recipe_validation import check_read
from deit_spec.spec import check_text
from deit_spec.yaml_source import read_bytes

WRONG = """\
image_sizes: 224
depth: 12.0
in_channel: 3
embed_dim: 770
teacher_num_classes: 5
"""

Place = tuple[int, int, int, int]
"""First line and column, and last line and end column, as in a `Span`."""
Finding = tuple[str, int, int, int, int]
"""A code and a place."""

TEXTS = st.text(
    st.sampled_from("%:,\r\n=A") | st.characters(exclude_categories=["Cs"]), max_size=20
)


@st.composite
def spans(draw: st.DrawFn, names: st.SearchStrategy[str] = TEXTS) -> Span:
    lines = sorted([draw(st.integers(1, 99)), draw(st.integers(1, 99))])
    columns = sorted([draw(st.integers(1, 99)), draw(st.integers(1, 99))])
    return Span(Source(draw(names), ""), lines[0], columns[0], lines[1], columns[1])


LABELS = st.builds(Label, spans(), TEXTS)
FIXES = st.builds(
    Fix,
    TEXTS,
    st.lists(st.builds(Edit, spans(), TEXTS), min_size=1, max_size=2).map(tuple),
)
FINDINGS = st.builds(
    diagnose,
    st.sampled_from(sorted(CATALOGUE)),
    TEXTS,
    LABELS,
    secondary=st.lists(LABELS, max_size=2),
    notes=st.lists(TEXTS, max_size=2),
    helps=st.lists(TEXTS, max_size=2),
    fix=st.none() | FIXES,
)


def wrong() -> tuple[Diagnostic, ...]:
    """The diagnostics of a text with errors, some with a fix."""
    found = check_text(WRONG.encode(), "wrong one.yaml").diagnostics
    assert {each.severity for each in found} == {Severity.ERROR, Severity.WARNING}
    return found


def place(span: Span) -> Place:
    return span.line, span.column, span.end_line, span.end_column


def finding(found: Diagnostic) -> Finding:
    return found.code, *place(found.primary.span)


def placed(found: Diagnostic, path: Path) -> str:
    """A code and its position, as `# expect:` has them: `DS101 base.yaml 3:1`."""
    span = found.primary.span
    source = "" if span.source.name == path.name else f"{span.source.name} "
    return f"{found.code} {source}{span.line}:{span.column}"


def check_recipe_text(
    data: bytes, name: str, path: Path | None = None
) -> CheckedRecipe:
    """Check the text of a recipe, of which messages say that it is in a file."""
    return check_read(*read_bytes(data, name, RECIPE.is_key), path)
