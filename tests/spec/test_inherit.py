"""`extends`: values, spans and mistakes across files."""

from pathlib import Path

import pytest

from deit_spec.pipeline import check_spec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(
        "name: base\nembed_dim: 384\nnum_heads: 6\n"
        "variant:\n  qkv_bias: false\n  init: fan_in\n"
    )
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_values_and_variant_are_merged_by_key(folder: Path) -> None:
    path = write(
        folder, "mine.yaml", "extends: base.yaml\ndepth: 3\nvariant:\n  init: deit\n"
    )
    checked = check_spec(path)
    assert checked.diagnostics == ()
    spec = checked.spec
    assert spec is not None
    assert (spec.name, spec.embed_dim, spec.depth, spec.extends) == (
        "mine",
        384,
        3,
        None,
    )
    assert (spec.variant.qkv_bias, spec.variant.init) == (False, "deit")


def test_paths_are_relative_to_the_spec_that_extends(folder: Path) -> None:
    write(folder, "sub/middle.yaml", "extends: ../base.yaml\ndepth: 5\n")
    path = write(folder, "mine.yaml", "extends: sub/middle.yaml\n")
    spec = check_spec(path).spec
    assert spec is not None
    assert (spec.depth, spec.embed_dim) == (5, 384)


def test_finding_points_into_the_file_it_is_from(folder: Path) -> None:
    write(folder, "base.yaml", "embed_dim: 770\n")
    path = write(folder, "mine.yaml", "# mine\nextends: base.yaml\nnum_heads: 12\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS203"
    assert str(found.primary.span) == f"{folder / 'base.yaml'}:1:12"
    places = [str(label.span) for label in found.secondary]
    assert places == [f"{path}:3:12", f"{path}:2:10"]


def test_overridden_mistakes_are_gone(folder: Path) -> None:
    write(folder, "base.yaml", "depth: 0\n")
    path = write(folder, "mine.yaml", "extends: base.yaml\ndepth: 3\n")
    assert check_spec(path).diagnostics == ()


def test_circle(folder: Path) -> None:
    write(folder, "one.yaml", "extends: two.yaml\n")
    path = write(folder, "two.yaml", "extends: one.yaml\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS106"
    assert found.notes == ("two.yaml -> one.yaml -> two.yaml",)


def test_missing_file(folder: Path) -> None:
    path = write(folder, "mine.yaml", "depth: 3\nextends: nowhere.yaml\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS009"
    assert str(found.primary.span) == f"{path}:2:10"


def test_mistake_of_the_base_comes_with_the_line_that_extends(folder: Path) -> None:
    write(folder, "base.yaml", "a: [\n")
    path = write(folder, "mine.yaml", "extends: base.yaml\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS001"
    assert [str(label.span) for label in found.secondary] == [f"{path}:1:10"]


@pytest.mark.parametrize("name", ["\\0", "", ".", "loop", "~", "nowhere/\\u2028.yaml"])
def test_no_such_file_is_never_a_defect(folder: Path, name: str) -> None:
    (folder / "loop").symlink_to("loop")
    path = write(folder, "mine.yaml", f'extends: "{name}"\n')
    (found,) = check_spec(path).diagnostics
    assert (found.code, str(found.primary.span)) == ("DS009", f"{path}:1:10")


def test_long_chain_is_refused(folder: Path) -> None:
    for index in range(20):
        write(folder, f"s{index}.yaml", f"extends: s{index + 1}.yaml\n")
    write(folder, "s20.yaml", "depth: 3\n")
    codes = [found.code for found in check_spec(folder / "s0.yaml").diagnostics]
    assert codes == ["DS106"]


def test_extends_of_the_wrong_type(folder: Path) -> None:
    path = write(folder, "mine.yaml", "extends: 3\n")
    (found,) = check_spec(path).diagnostics
    assert (found.code, str(found.primary.span)) == ("DS102", f"{path}:1:10")
