"""Wrong specs: what is said of each, where, and that following the helps mends it.

A spec is a file of `invalid/`, named after what it proves, and what is printed of
it stands beside it; `--force-regen` refreshes that. The first line of a spec says
which findings it has at which places, so that a refresh hides no moved place.
"""

import codecs
import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_regressions.file_regression import FileRegressionFixture
from support.helps import Step, alternatives
from support.mending import follow

from deit_spec.diagnostics import CATALOGUE, Diagnostic, Severity
from deit_spec.diagnostics.text import render, summary
from deit_spec.spec import check_spec

FOLDER = Path(__file__).parent / "invalid"
SPECS = sorted(FOLDER.glob("*.yaml"))
ROUNDS = 5

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
    """Decode as the file is meant, whatever is wrong with it."""
    data = path.read_bytes()
    if data.startswith(codecs.BOM_UTF16_LE) or b"\0" in data[:2]:
        return data.decode("utf-16-le").lstrip("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def findings(path: Path) -> tuple[Diagnostic, ...]:
    return check_spec(Path(path.name)).diagnostics


def placed(found: Diagnostic, path: Path) -> str:
    span = found.primary.span
    source = "" if span.source.name == path.name else f"{span.source.name} "
    return f"{found.code} {source}{span.line}:{span.column}"


def weighty(found: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    return [one for one in found if one.severity is not Severity.NOTE]


@each
def test_codes_and_places(path: Path) -> None:
    expected = re.match(r"# expect: ([^\r\n]*)", text_of(path))
    assert expected is not None
    assert ", ".join(placed(found, path) for found in findings(path)) == expected[
        1
    ].rstrip("\r")


@each
def test_what_is_printed(path: Path, file_regression: FileRegressionFixture) -> None:
    found = findings(path)
    text = f"{render(found, width=100).plain.rstrip()}\n\n{summary(found)}\n"
    file_regression.check(text, fullpath=path.with_suffix(".txt"), encoding="utf-8")


@each
def test_every_finding_has_a_help_that_can_be_followed(path: Path) -> None:
    for found in weighty(findings(path)):
        assert found.helps
        assert alternatives(found.helps[0]), found.helps


@each
def test_following_the_helps_mends_the_spec(path: Path) -> None:
    """The first alternative of each, again and again."""
    for _ in range(ROUNDS):
        for found in weighty(findings(path)):
            # Another help may have mended or moved it.
            if still := same(found, findings(path)):
                carry_out(path, still[0], alternatives(found.helps[0])[0])
    assert [found.code for found in weighty(findings(path))] == []


@each
def test_every_alternative_mends_its_finding(path: Path) -> None:
    """Each on its own: what was found is found no more."""
    before = findings(path)
    files = {file: file.read_bytes() for file in Path().rglob("*.yaml")}
    for found in weighty(before):
        for step in alternatives(found.helps[0]):
            carry_out(path, found, step)
            left = len(same(found, findings(path)))
            assert left < len(same(found, before)), step
            for file, data in files.items():
                file.write_bytes(data)


def same(found: Diagnostic, among: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    """The findings that say the same, wherever they stand now."""
    return [
        one for one in among if (one.code, one.message) == (found.code, found.message)
    ]


def carry_out(path: Path, found: Diagnostic, step: Step) -> None:
    """Edit the file that a finding is in; ours in place of a published one."""
    labels = (found.primary, *found.secondary)
    named = [Path(label.span.source.name) for label in labels]
    ours = [file for file in named if file.exists()] or [Path(path.name)]
    writes = re.compile(rf"^\s*{step.key}:" if step.verb == "set" else "", re.MULTILINE)
    # A field is mended where it is written.
    file = next((one for one in ours if writes.search(text_of(one))), ours[0])
    file.write_bytes(follow(text_of(file), found, step).encode())


def test_every_code_is_proved() -> None:
    with contextlib.chdir(FOLDER):
        found = {path.stem: findings(path) for path in SPECS}
    assert [name for name, some in found.items() if not some] == []
    proved = {one.code for some in found.values() for one in some}
    assert proved == {code for code in CATALOGUE if code[2] in "012"}


def test_no_golden_is_left_over() -> None:
    goldens = {path.stem for path in FOLDER.glob("*.txt")}
    assert goldens == {path.stem for path in SPECS}
