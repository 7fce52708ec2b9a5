"""The documentation has what `make docs` writes today, and every public name."""

import re
import shutil
from pathlib import Path

import pytest
from support.commands import ROOT, run

import deit_spec

_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_TARGET = _MAKEFILE.partition("\ndocs:")[2].partition("\n\n")[0]
COMMANDS = re.findall(r"/deit-spec (.+) -o (.+)", _TARGET)
"""The arguments of each command of `make docs`, and the file that it writes."""


@pytest.mark.parametrize(("arguments", "path"), COMMANDS)
def test_generated_file_is_up_to_date(
    arguments: str, path: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    kept, written = ROOT / path, tmp_path / Path(path).name
    done = run(*arguments.split(), "-o", str(written))
    assert (done.returncode, done.stderr) == (0, "")
    is_equal = kept.is_file() and kept.read_bytes() == written.read_bytes()
    if pytestconfig.getoption("force_regen"):
        shutil.copyfile(written, kept)
    assert is_equal, "run `make docs`"


def test_every_figure_is_generated() -> None:
    figures = {str(path.relative_to(ROOT)) for path in ROOT.glob("docs/figures/*")}
    assert figures <= {path for _, path in COMMANDS}


def test_api_has_every_public_name() -> None:
    pages = [path.read_text("utf-8") for path in ROOT.glob("docs/api/*.rst")]
    found = re.findall(r"^\.\. auto\w+:: (\w+)$", "".join(pages), re.MULTILINE)
    assert sorted(found) == sorted({*deit_spec.__all__} - {"__version__"})
    overview = (ROOT / "docs" / "api" / "index.rst").read_text("utf-8")
    assert {*found} <= {*re.findall(r"^   (\w+)$", overview, re.MULTILINE)}
