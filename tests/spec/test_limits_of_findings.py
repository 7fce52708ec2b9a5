"""Of a text with very many mistakes the first are reported; fixing has an end."""

import pytest

from deit_spec.spec import check_text
from deit_spec.spec.fix_loop import ROUNDS, fix_text
from deit_spec.yaml_source.document import FINDINGS

TEXTS = {
    "doubled keys": "depth: 12\n" * 3_000,
    "unknown keys": "".join(f"embed_dim{i}: 1\n" for i in range(3_000)),
    "slips": "depth:12\n" * 3_000,
    "keys that are no strings": "1: a\n" * 3_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_first_are_reported_and_that_there_are_more(name: str) -> None:
    found = check_text(TEXTS[name].encode(), "t.yaml").diagnostics
    assert len(found) == FINDINGS + 1
    last = found[-1]
    assert last.code == "DS008"
    assert last.message == f"there are more than {FINDINGS} findings"
    assert last.primary.span.line >= found[-2].primary.span.line


def test_ten_rounds_fix_what_is_reported() -> None:
    """Of adjacent lines every other one goes in a round, 200 of them are reported."""
    text = TEXTS["doubled keys"].encode()
    found = fix_text(text, lambda data: check_text(data, "t.yaml"))
    assert len(found.fixes) == ROUNDS * FINDINGS // 2
    assert found.after == b"depth: 12\n" * (3_000 - len(found.fixes))


def test_up_to_the_limit_all_are_reported() -> None:
    text = "".join(f"embed_dim{i}: 1\n" for i in range(FINDINGS))
    found = check_text(text.encode(), "t.yaml").diagnostics
    assert {each.code for each in found} == {"DS101"}
    assert len(found) == FINDINGS


@pytest.mark.parametrize("number", [FINDINGS - 1, FINDINGS, FINDINGS + 1])
def test_a_syntax_error_after_very_many(number: int) -> None:
    text = "1: a\n" * number + "depth: [\n"
    found = check_text(text.encode(), "t.yaml").diagnostics
    assert len(found) == min(number, FINDINGS) + 1
    assert found[-1].code == ("DS001" if number < FINDINGS else "DS008")
