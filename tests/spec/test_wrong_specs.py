"""Wrong specs: what is reported of each, where, and what its fixes do.

A spec is a file of `invalid/`, named after what it proves; next to it is what is
printed of it, refreshed by `--force-regen`. The first line of a spec lists its findings
with their places, so that a refresh hides no moved place.
"""

import codecs
import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_regressions.file_regression import FileRegressionFixture
from support.findings import placed

from deit_spec.diagnostics import CATALOGUE, Diagnostic, apply_fixes
from deit_spec.diagnostics.text import render, summary
from deit_spec.spec import check_spec, check_text

FOLDER = Path(__file__).parent / "invalid"
SPECS = sorted(FOLDER.glob("*.yaml"))

each = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem, indirect=True)


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A wrong spec, with those that it may extend, in a folder of its own."""
    spec: Path = request.param
    shutil.copy(spec, tmp_path)
    shutil.copytree(FOLDER / "bases", tmp_path / "bases")
    with contextlib.chdir(tmp_path):
        yield spec


def text_of(path: Path) -> str:
    """Decode a file in whatever encoding it is."""
    data = path.read_bytes()
    if data.startswith(codecs.BOM_UTF16_LE) or b"\0" in data[:2]:
        return data.decode("utf-16-le").lstrip("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def findings(path: Path) -> tuple[Diagnostic, ...]:
    return check_spec(Path(path.name)).diagnostics


@each
def test_codes_and_places(path: Path) -> None:
    expected = re.match(r"# expect: ([^\r\n]*)", text_of(path))
    assert expected is not None
    found = ", ".join(placed(found, path) for found in findings(path))
    assert found == expected[1].rstrip("\r")


@each
def test_what_is_printed(path: Path, file_regression: FileRegressionFixture) -> None:
    found = findings(path)
    text = f"{render(found, width=100).plain.rstrip()}\n\n{summary(found)}\n"
    file_regression.check(text, fullpath=path.with_suffix(".txt"), encoding="utf-8")


@each
def test_each_fix_removes_its_finding(path: Path) -> None:
    """By itself, as an editor applies it; every finding without one has a help."""
    before = findings(path)
    for found in before:
        assert found.fix or found.helps or found.notes
        if found.fix is None or found.fix.source.name != path.name:
            continue
        text, applied = apply_fixes([found.fix], found.fix.source)
        assert applied == [found.fix]
        after = check_text(text.encode(), path.name).diagnostics
        same = [(one.code, one.message) for one in after]
        assert same.count((found.code, found.message)) < len(before)
        assert len(after) <= len(before)


def test_every_code_is_proved() -> None:
    with contextlib.chdir(FOLDER):
        found = {path.stem: findings(path) for path in SPECS}
    assert [name for name, some in found.items() if not some] == []
    proved = {one.code for some in found.values() for one in some}
    assert proved == {code for code in CATALOGUE if code[2] in "012"}


def test_no_golden_is_left_over() -> None:
    goldens = {path.stem for path in FOLDER.glob("*.txt")}
    assert goldens == {path.stem for path in SPECS}
