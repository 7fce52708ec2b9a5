"""Fixes of any spec: exact to the byte, repeated to the end, true to its meaning."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import specs

from deit_spec.diagnostics import apply_fixes
from deit_spec.recipe.documents import own_fixes
from deit_spec.spec import check_text
from deit_spec.spec.field_names import SPEC
from deit_spec.spec.fixes import Fixed, fix_text


def fix(text: str) -> Fixed:
    return fix_text(text.encode(), lambda data: check_text(data, "a.yaml"))


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """A valid spec as a person may lay it out: comments, blank lines, any order."""
    value = draw(specs()).model_dump(exclude={"extends", "name"})
    inner = draw(st.permutations(list(value.pop("variant").items())))
    outer = draw(st.permutations(list(value.items())))
    lines = [_line(draw, key, item, "") for key, item in outer]
    indent = draw(st.sampled_from(["  ", " ", "    "]))
    block = ["variant:\n", *(_line(draw, key, item, indent) for key, item in inner)]
    place = draw(st.integers(0, len(lines)))
    text = "".join([*lines[:place], *block, *lines[place:]])
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def _line(draw: st.DrawFn, key: str, item: Any, indent: str) -> str:
    before = draw(st.sampled_from(["", "", "# é 😀: x\n", "\n"]))
    after = draw(st.sampled_from(["", "", "  # comment, depth: 1", "   "]))
    text = yaml.safe_dump(item).removesuffix("...\n").strip()
    return f"{before}{indent}{key}: {text}{after}\n"


def _misspell(draw: st.DrawFn, line: str) -> str:
    start = len(line) - len(line.lstrip())
    end = line.index(":")
    place = draw(st.integers(start + 1, max(end - 1, start + 1)))
    letter = draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz_"))
    return line[:place] + letter + line[place + draw(st.integers(0, 1)) :]


def _double(draw: st.DrawFn, line: str) -> str:  # noqa: ARG001
    return line + line


def _quote(draw: st.DrawFn, line: str) -> str:
    key, rest = line.split(": ", 1)
    word = rest.split()[0]
    quote = draw(st.sampled_from("'\""))
    return f"{key}: {rest.replace(word, f'{quote}{word}{quote}', 1)}"


def _as_float(draw: st.DrawFn, line: str) -> str:  # noqa: ARG001
    key, rest = line.split(": ", 1)
    word = rest.split()[0]
    return f"{key}: {rest.replace(word, f'{word}.0', 1)}" if word.isdigit() else line


def _reindent(draw: st.DrawFn, line: str) -> str:
    return draw(st.sampled_from([line.lstrip(), f"  {line}"]))


def _without_space(draw: st.DrawFn, line: str) -> str:  # noqa: ARG001
    return line.replace(": ", ":", 1)


HARMLESS = [_double, _quote, _as_float]
MISTAKES = [*HARMLESS, _misspell, _reindent, _without_space]


@st.composite
def mistaken(draw: st.DrawFn) -> str:
    """A valid text with one to three mistakes planted."""
    lines = draw(layouts()).splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.sampled_from([i for i, x in enumerate(lines) if _is_pair(x)]))
        lines[index] = draw(st.sampled_from(MISTAKES))(draw, lines[index])
    return "".join(lines)


def _is_pair(line: str) -> bool:
    return ": " in line and not line.startswith("#")


@given(mistaken())
def test_each_fix_changes_its_edits_alone_and_removes_its_finding(text: str) -> None:
    before = check_text(text.encode(), "a.yaml").diagnostics
    errors = [found for found in before if found.severity.value == "error"]
    for found in errors:
        if found.fix is None:
            continue
        after, applied = apply_fixes([found.fix], found.fix.source)
        assert applied == [found.fix]
        edits = sorted((e.span.start, e.span.end, e.text) for e in found.fix.edits)
        expected, end = "", 0
        for start, stop, new in edits:
            expected, end = expected + text[end:start] + new, stop
        assert after == expected + text[end:]
        left = check_text(after.encode(), "a.yaml").diagnostics
        left_errors = [each for each in left if each.severity.value == "error"]
        same = [(e.code, e.message, e.primary.span.line) for e in left_errors]
        finding = (found.code, found.message, found.primary.span.line)
        assert len(left_errors) < len(errors) or finding not in same
        assert len(left_errors) <= len(errors)


@given(mistaken())
def test_fixing_ends_and_reports_the_truth(text: str) -> None:
    found = fix(text)
    again = fix(found.after.decode())
    assert (again.after, again.fixes) == (found.after, ())
    assert not any(each.fix for each in found.checked.diagnostics)
    assert found.checked.spec == check_text(found.after, "a.yaml").spec
    assert bool(found.fixes) == (found.after != text.encode())
    assert bool(own_fixes(check_text(text.encode(), "a.yaml"))) == bool(found.fixes)


@given(layouts(), st.data())
def test_a_mistake_that_keeps_the_meaning_is_undone(
    text: str, data: st.DataObject
) -> None:
    spec = check_text(text.encode(), "a.yaml").spec
    lines = text.splitlines(keepends=True)
    index = data.draw(st.sampled_from([i for i, x in enumerate(lines) if _is_pair(x)]))
    lines[index] = data.draw(st.sampled_from(HARMLESS))(data.draw, lines[index])
    found = fix("".join(lines)).checked.spec
    assert found is None or found == spec


@given(layouts())
def test_a_valid_spec_has_no_fixes(text: str) -> None:
    found = fix(text)
    assert not found.fixes
    assert found.checked.spec is not None


@st.composite
def numbered(draw: st.DrawFn) -> str:
    """Keys of all kinds, each with a number of its own, in block style or in braces."""
    words = st.sampled_from([*SPEC.names, "hello"])
    pairs = [
        f"{draw(words)}{draw(st.sampled_from([': ', ': ', ':', '=']))}{1500 + index}"
        for index in range(draw(st.integers(1, 6)))
    ]
    inside = draw(st.integers(0, len(pairs)))
    inner, outer = pairs[:inside], pairs[inside:]
    if draw(st.booleans()):
        below = [f"variant: {{{', '.join(inner)}}}"] if inner else []
        return f"{{{', '.join([*outer, *below])}}}\n"
    block = "".join(f"  {pair}\n" for pair in inner)
    return "".join(f"{p}\n" for p in outer) + (f"variant:\n{block}" if inner else "")


@given(numbered())
def test_no_value_disappears(text: str) -> None:
    after = fix(text).after.decode()
    assert all(str(1500 + index) in after for index in range(text.count("15")))
