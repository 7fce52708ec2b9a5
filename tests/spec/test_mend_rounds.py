"""Fixes in rounds: as many as are needed, of the own text alone, and counted."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from deit_spec.diagnostics import Fix
from deit_spec.spec import Count, check_spec, check_text, count, mend, mend_text
from deit_spec.spec.field_names import TOP
from deit_spec.spec.origin import at
from deit_spec.yaml_source.document import FILE_BYTES, FINDINGS

# The package has a function of that name.
module = sys.modules["deit_spec.spec.fix_loop"]


def counted(text: str) -> Count:
    return count(check_text(text.encode(), "a.yaml"))


def test_more_mistakes_than_a_hundred_rounds_mend() -> None:
    """Of lines side by side every other one goes, and 200 are found at a time."""
    number = FILE_BYTES // len("a: 1\n")
    mended = mend_text(b"a: 1\n" * number, "a.yaml")
    assert mended.after == b"a: 1\n"
    assert len(mended.fixes) == number - 1
    assert not any(found.fix for found in mended.checked.diagnostics)


@pytest.mark.parametrize(
    "text",
    [
        "depth:3\n" * 8_000,
        "\ufeff" + "depth:3\n" * 8_191,
        "dropout=0\n" * 6_000,
        "depth:3\nembed_dim:4\n" * 3_000,
        "depth:3\n" * 8_000 + "depth:4\n" * 100,
        "embed_dim:192\n#" + "x" * (FILE_BYTES - 15),
        "depht: 3\nembed_dim:192\n#" + "x" * (FILE_BYTES - 24),
    ],
)
def test_a_text_that_would_grow_too_long_is_mended_as_far_as_there_is_room(
    text: str,
) -> None:
    """Whatever one call leaves, another finds nothing to do, and promises nothing."""
    assert len(text.encode()) <= FILE_BYTES
    mended = mend_text(text.encode(), "a.yaml")
    assert len(mended.after) <= FILE_BYTES
    assert len(mended.fixes) >= min(counted(text).fixes, 1)
    again = mend_text(mended.after, "a.yaml")
    assert (again.after, again.fixes) == (mended.after, ())
    assert count(check_text(mended.after, "a.yaml")) == Count(0, is_all=True)


def test_a_text_before_a_break_keeps_its_quotes() -> None:
    """Without them it would go on in the line that no one could read."""
    text = b"  depth: '12'\n  depth: '12'\n   heads, 3\n  depth: '12'\n"
    mended = mend_text(text, "a.yaml")
    assert mended.after == b"  depth: '12'\n   heads, 3\n  depth: '12'\n"
    assert not any(found.fix for found in mended.checked.diagnostics)
    assert counted(text.decode()) == Count(1, is_all=True)


def test_equal_lines_that_are_each_wrong_become_one_that_is_right() -> None:
    mended = mend_text(b"depth: 12.0\n" * 3, "a.yaml")
    assert mended.after == b"depth: 12\n"


def test_fixes_that_undo_each_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fix brings back what another one takes; should one, mending ends."""

    def apply(fixes: Sequence[Fix], *_: object) -> tuple[str, Sequence[Fix]]:
        return "deph: 3\n", fixes

    monkeypatch.setattr(module, "apply", apply)
    mended = mend_text(b"deph: 3\n", "a.yaml")
    assert len(mended.fixes) == 2 * len("deph: 3\n")


def test_a_text_is_not_mended_beyond_the_limit_of_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A space more on every line, and nothing of it would be read."""
    large = "depth: 3\n" + "#" * FILE_BYTES
    monkeypatch.setattr(module, "apply", lambda fixes, *_: (large, fixes))
    mended = mend_text(b"deph: 3\n", "a.yaml")
    assert mended.after == b"deph: 3\n"
    assert not mended.fixes
    assert mended.checked.document is not None


def test_what_reads_worse_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "apply", lambda fixes, *_: ("depth: [\n", fixes))
    mended = mend_text(b"deph: 3\n", "a.yaml")
    assert (mended.after, mended.fixes) == (b"deph: 3\n", ())


@pytest.mark.parametrize("mistakes", [FINDINGS, FINDINGS + 1])
def test_only_what_was_read_whole_can_read_worse(
    mistakes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind mistakes that stop the reader there may be any number of others."""
    more = "x: 2\n" * (mistakes + 2)
    monkeypatch.setattr(module, "apply", lambda fixes, *_: (f"x: 1\n{more}", fixes))
    mended = mend_text(b"x: 1\n" * (mistakes + 1), "a.yaml")
    assert bool(mended.fixes) == (mistakes > FINDINGS)


def test_mistakes_that_were_not_reached_are_no_worse_reading() -> None:
    """Of slips all are found, once the reader comes as far."""
    slips = "".join(f"{field}:1\n" for field in TOP[:6])
    text = "name: a\n" * 300 + slips
    mended = mend_text(text.encode(), "a.yaml")
    assert mended.after.decode() == "name: a\n" + slips.replace(":", ": ")


def test_a_text_called_like_what_it_extends(tmp_path: Path) -> None:
    """What is edited is told by its text, for a name may be that of two."""
    (tmp_path / "a.yaml").write_text("embed_dim: 768\nembed_dim: 768\n")
    name = str(tmp_path / "a.yaml")
    text = b"extends: a.yaml\ndepth: 12.0\n"
    mended = mend_text(text, name, at(tmp_path / "b.yaml"))
    assert mended.after == b"extends: a.yaml\ndepth: 12\n"
    assert [fix.title for fix in mended.fixes] == ["write `depth: 12`"]


def test_a_text_that_no_document_is_made_of_is_mended_as_far_as_it_goes() -> None:
    before = check_text(b"- name: a\n  depth:1\n- [\n", "a.yaml")
    assert before.document is None
    assert count(before) == (1, True)
    after = mend_text(b"- name: a\n  depth:1\n- [\n", "a.yaml").after
    assert after == b"- name: a\n  depth: 1\n- [\n"


def test_where_a_line_belongs_is_not_for_sure_in_a_text_that_breaks_off() -> None:
    assert counted("depth: 1\nvariant:\n\tinit: deit\n") == (1, True)
    assert counted("depth: 1\nvariant:\n\tinit: deit\nname: [\n") == (0, True)


def test_what_is_left_is_told_as_far_as_anything_is() -> None:
    unknown = "".join(f"k{index}: 1\n" for index in range(FINDINGS + 9))
    mended = mend_text(f"depth: 12.0\n{unknown}".encode(), "a.yaml")
    assert len(mended.fixes) == 1
    assert len(mended.checked.diagnostics) == FINDINGS + 1


def test_mistakes_behind_others_are_counted() -> None:
    assert counted("qkv_bias: true\ninit: deit\nlayer_scale: 0.1\n") == (3, True)
    assert counted("depth: 12\n") == (0, True)
    assert counted("deph: 3\n" * FINDINGS) == (FINDINGS, False)


def test_of_very_many_mistakes_the_first_that_go_together_are_counted() -> None:
    """Of lines side by side every other one goes at once."""
    assert counted("depth: 12\n" * 3_000) == (FINDINGS // 2, False)


@pytest.mark.parametrize(("most", "is_all"), [(8, True), (7, False)])
def test_rounds_beyond_those_that_are_counted(
    most: int, *, is_all: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each round takes every other of 128 lines that are written again."""
    monkeypatch.setattr(module, "_COUNTED", most)
    assert counted("depth: 12\n" * (2**7 + 1)) == (2**7, is_all)


def test_what_another_spec_needs_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("depth: 12\ndepth: 12\n")
    child = tmp_path / "child.yaml"
    child.write_text("extends: base.yaml\nembed_dims: 768\n")
    assert count(check_spec(child), at(child)) == (1, True)
    assert len(mend(str(child)).fixes) == 1
