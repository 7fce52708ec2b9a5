"""Fixes of any spec: exact to the byte, and repeated to the end."""

import re
from functools import partial
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.lookalikes import OTHERS
from support.strategies import specs

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.edits import apply
from deit_spec.spec import check_text, mend_text
from deit_spec.spec.field_names import SYNONYMS, TOP, VARIANT

LETTERS = "abcdefghijklmnopqrstuvwxyz_"


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """A valid spec as a person may lay it out: comments, blank lines, quotes."""
    value = draw(specs()).model_dump(exclude={"extends"})
    value.pop("name")
    inner = value.pop("variant")
    lines = [_line(draw, key, item, "") for key, item in _some(draw, value)]
    kept = _some(draw, inner)
    if kept:
        place = draw(st.integers(0, len(lines)))
        indent = draw(st.sampled_from(["  ", " ", "    "]))
        block = ["variant:\n", *(_line(draw, k, v, indent) for k, v in kept)]
        lines[place:place] = block
    text = "".join(lines)
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def _some(draw: st.DrawFn, value: dict[str, Any]) -> list[tuple[str, Any]]:
    return draw(st.permutations(list(value.items())))


def _line(draw: st.DrawFn, key: str, item: Any, indent: str) -> str:
    before = draw(st.sampled_from(["", "", "# é 😀: x\n", "\n"]))
    after = draw(st.sampled_from(["", "", "  # comment, depth: 1", "   "]))
    text = yaml.safe_dump(item).removesuffix("...\n").strip()
    return f"{before}{indent}{key}: {text}{after}\n"


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """A valid text, and the same with one to three mistakes planted."""
    text = draw(layouts())
    lines = text.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.sampled_from([i for i, x in enumerate(lines) if ": " in x]))
        lines[index] = draw(st.sampled_from(MUTATIONS))(draw, lines[index])
    return text, "".join(lines)


def _misspell(draw: st.DrawFn, line: str) -> str:
    start = len(line) - len(line.lstrip())
    end = line.index(":")
    place = draw(st.integers(start, max(end - 1, start)))
    letter = draw(st.sampled_from(LETTERS))
    return line[:place] + letter + line[place + draw(st.integers(0, 1)) :]


def _double(draw: st.DrawFn, line: str) -> str:
    end = "" if line.endswith("\n") else "\n"
    return line + end + draw(st.sampled_from([line, line.replace(": ", ": 1", 1)]))


def _quote(draw: st.DrawFn, line: str) -> str:
    key, rest = line.split(": ", 1)
    word, *tail = rest.split(maxsplit=1) or [""]
    quote = draw(st.sampled_from("'\""))
    end = line[len(line.rstrip("\r\n")) :]
    comment = f"  {tail[0].strip()}" if tail else ""
    return f"{key}: {quote}{word}{quote}{comment}{end}"


def _whole(_: st.DrawFn, line: str) -> str:
    key, rest = line.split(": ", 1)
    word = rest.split()[0] if rest.split() else ""
    return f"{key}: {rest.replace(word, word + '.0', 1)}" if word.isdigit() else line


def _dedent(draw: st.DrawFn, line: str) -> str:
    return draw(st.sampled_from([line.lstrip(), f"  {line}"]))


MUTATIONS = [_misspell, _double, _quote, _whole, _dedent]


@given(mutated())
def test_no_byte_outside_an_edit_changes(case: tuple[str, str]) -> None:
    """Each fix by itself: what it does not replace is there, in its order."""
    _, broken = case
    for found in check_text(broken.encode(), "a.yaml").diagnostics:
        if found.fix is None:
            continue
        source = found.primary.span.source
        after, applied = apply([found.fix], source)
        assert applied == [found.fix]
        kept, end = [], 0
        for start, stop, _ in sorted(_ranges(found)):
            kept.append(broken[end:start])
            end = stop
        kept.append(broken[end:])
        place = 0
        for piece in kept:
            place = after.index(piece, place) + len(piece)
        assert after.startswith(kept[0])
        assert after.endswith(kept[-1])
        new = sum(len(edit.text) for edit in found.fix.edits)
        assert len(after) == sum(map(len, kept)) + new


def _ranges(found: Diagnostic) -> list[tuple[int, int, str]]:
    assert found.fix
    return [
        (
            edit.span.source.offset(edit.span.line, edit.span.column),
            edit.span.source.offset(edit.span.end_line, edit.span.end_column),
            edit.text,
        )
        for edit in found.fix.edits
    ]


@given(mutated())
def test_a_fix_mends_what_it_says(case: tuple[str, str]) -> None:
    """After one fix its finding is gone, and there are fewer errors, or as many
    where the value of a misspelt key can only now be judged.
    """
    _, broken = case
    before = check_text(broken.encode(), "a.yaml").diagnostics
    errors = [found for found in before if found.severity.value == "error"]
    for found in errors:
        if found.fix is None:
            continue
        text, _ = apply([found.fix], found.primary.span.source)
        after = check_text(text.encode(), "a.yaml").diagnostics
        left = [each for each in after if each.severity.value == "error"]
        # Of three equal lines, the third moves to where the second was.
        fewer = len(left) < len(errors)
        assert fewer or _what(found) not in map(_what, left)
        assert len(left) <= len(errors)


def _what(found: Diagnostic) -> tuple[str, str, str]:
    return found.code, found.message, str(found.primary.span)


@given(mutated())
def test_mending_ends_and_says_the_truth(case: tuple[str, str]) -> None:
    _, broken = case
    mended = mend_text(broken.encode(), "a.yaml")
    again = mend_text(mended.after, "a.yaml")
    assert again.after == mended.after
    assert not again.fixes
    assert not any(found.fix for found in mended.checked.diagnostics)
    assert mended.checked.spec == check_text(mended.after, "a.yaml").spec
    assert bool(mended.fixes) == (mended.after != broken.encode())


@st.composite
def numbered(draw: st.DrawFn) -> str:
    """Keys of all kinds, each with a number of its own, in one of three layouts."""
    words = st.sampled_from([*TOP, *VARIANT, *SYNONYMS, *OTHERS, "hello"])
    count = draw(st.integers(1, 6))
    keys = [_key(draw, draw(words)) for _ in range(count)]
    values = [_value(draw, FIRST + index) for index in range(count)]
    separate = st.sampled_from(
        [": ", ": ", ": ", ":", "=", " = ", " ", " : ", ":1{:03}: "]
    )
    # A number in the key, as in `depth:6: 12`, is there to stay as well.
    pairs = [
        f"{key}{draw(separate).format(index)}{value}"
        for index, (key, value) in enumerate(zip(keys, values, strict=True))
    ]
    inside = draw(st.integers(0, count))
    flows = [partial(_flow, comma) for comma in COMMAS]
    join = draw(st.sampled_from([*[_block] * len(flows), *flows]))
    return join(pairs[:inside], pairs[inside:])


FIRST = 1500


def _key(draw: st.DrawFn, word: str) -> str:
    place = draw(st.integers(0, len(word)))
    letter = draw(st.sampled_from(["", "", "", *LETTERS, " ", "-", ":", "=", "2"]))
    word = word[:place] + letter + word[place + draw(st.integers(0, 1)) :]
    return draw(st.sampled_from(["{}", "{}", '"{}"', "'{}'"])).format(word)


def _value(draw: st.DrawFn, number: int) -> str:
    forms = ["{}", "{}", "{}.0", "'{}'", '"{}"', "{} # x", "{}#x", "[{}]", "|\n  {}"]
    return draw(st.sampled_from(forms)).format(number)


def _block(inner: list[str], outer: list[str]) -> str:
    below = "".join(f"  {pair}\n" for pair in inner)
    return "".join(f"{p}\n" for p in outer) + (f"variant:\n{below}" if inner else "")


def _flow(comma: str, inner: list[str], outer: list[str]) -> str:
    below = [f"variant: {{{', '.join(inner)}}}"] if inner else []
    return "{" + comma.join([*outer, *below]) + "}\n"


COMMAS = (",\n ", "\n, ", ", ", ",", "\n,\n", ", # c\n", "\n# c\n, ")


@given(numbered())
def test_no_value_disappears(text: str) -> None:
    after = mend_text(text.encode(), "a.yaml").after.decode()
    assert sorted(_numbers(after)) == sorted(_numbers(text))


def _numbers(text: str) -> list[str]:
    return re.findall(r"(?<!\d)1\d\d\d", text)


@st.composite
def doubled(draw: st.DrawFn) -> tuple[str, str]:
    """A spec in braces, and the same with one of its pairs written again."""
    comma = draw(st.sampled_from(COMMAS))
    pairs = [f"{key}: {number}" for key, number in draw(st.permutations(PAIRS))]
    again = list(pairs)
    pair = draw(st.sampled_from(pairs))
    again.insert(draw(st.integers(pairs.index(pair) + 1, len(pairs))), pair)
    return _flow(comma, [], pairs), _flow(comma, [], again)


PAIRS = [("embed_dim", 192), ("num_heads", 3), ("depth", 6)]


@given(doubled())
def test_a_pair_written_again_in_braces_goes(case: tuple[str, str]) -> None:
    """Its fix alone, and all together, give the spec that was doubled, or none is."""
    once, twice = case
    (found,) = (
        each
        for each in check_text(twice.encode(), "a.yaml").diagnostics
        if each.code == "DS003"
    )
    if found.fix is None:
        assert "\n," in twice  # where a comma begins a line
        return
    after, _ = apply([found.fix], found.fix.source)
    wanted = check_text(once.encode(), "a.yaml").spec
    assert check_text(after.encode(), "a.yaml").spec == wanted is not None
    assert mend_text(twice.encode(), "a.yaml").checked.spec == wanted


@given(layouts(), st.data())
def test_a_valid_spec_mended_is_the_spec_it_was(text: str, data: st.DataObject) -> None:
    """Quotes, fractions and doubled lines say the same: mending brings it back."""
    spec = check_text(text.encode(), "a.yaml").spec
    lines = text.splitlines(keepends=True)
    index = data.draw(st.sampled_from([i for i, x in enumerate(lines) if ": " in x]))
    mutate = data.draw(st.sampled_from([_quote, _whole]))
    lines[index] = mutate(data.draw, lines[index])
    mended = mend_text("".join(lines).encode(), "a.yaml")
    if mended.checked.spec is not None:
        assert mended.checked.spec == spec


@given(layouts())
def test_a_good_spec_is_left_as_it_is(text: str) -> None:
    mended = mend_text(text.encode(), "a.yaml")
    assert not mended.fixes
    assert mended.checked.spec is not None
