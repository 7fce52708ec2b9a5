"""The text of a recipe or a study with any change is checked without an exception."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.recipes import FOLDER

from deit_spec.recipe.documents import check_any_text, fix_any_text
from deit_spec.spec.origin import at

ORIGIN = at(FOLDER / "mutated.yaml")
STUDY = """\
recipe: digits.yaml
seeds: [0, 1]
train_images: [100]
baseline: a
arms:
  a: {}
  b:
    loss.kind: hard
    student.spec: students/digits.yaml
"""
RECIPE = """\
student: {spec: students/digits.yaml}
teacher:
  builtin: digits_convnet
data: {builtin: digits, train_images: 300, val_images: 600}
optimizer: {betas: [0.9, 0.99], clip: null}
schedule:
  steps: 100  # of 64 images
  warmup_steps: 10
run: {seed: 3, compile: true}
"""
WORDS = st.sampled_from([*":=-{}[]\"'#,\t \n|>&*!?%@`/\\x1", "none", " 0.1", "  "])
LINES = st.sampled_from(f"{RECIPE}{STUDY}".splitlines(keepends=True))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a text with a few characters or lines inserted, replaced or removed."""
    lines = draw(st.sampled_from([RECIPE, STUDY])).splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 2))):
        at_line = draw(st.integers(0, len(lines) - 1))
        line = draw(LINES | st.just(""))
        line = draw(st.sampled_from([line, line.lstrip(" "), f"  {line}"]))
        lines[at_line : at_line + draw(st.integers(0, 1))] = [line]
    text = "".join(lines)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        put = draw(st.just("") | WORDS)
        text = text[:start] + put + text[start + draw(st.integers(0, 4)) :]
    return text


@given(mutated())
@example(STUDY.replace("  b:\n    loss", "  loss"))
@example(STUDY.replace("  b:\n    loss.kind: hard", "  loss.kind: none"))
@example(STUDY.replace("  a: {}", "  baseline: none"))
@settings(deadline=None)
def test_a_changed_text_is_checked(text: str) -> None:
    fixed = fix_any_text(text.encode(), "t.yaml", origin=ORIGIN)
    for data in (text.encode(), fixed.after):
        for found in check_any_text(data, "t.yaml", origin=ORIGIN).diagnostics:
            assert found.helps
            for label in (found.primary, *found.secondary):
                span = label.span
                assert 0 <= span.start <= span.end <= len(span.source.text)
