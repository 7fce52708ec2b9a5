"""`extends`: values, spans and mistakes across files."""

from pathlib import Path

import pytest

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.text import summary
from deit_spec.spec import check_spec
from deit_spec.spec.extends import LONGEST_CHAIN


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


def places_of(finding: Diagnostic) -> list[str]:
    return [str(label.span) for label in (finding.primary, *finding.secondary)]


def test_finding_points_into_the_file_it_is_from(folder: Path) -> None:
    base = write(folder, "base.yaml", "depth: 3\nembed_dim: 770\nnum_heads: 12\n")
    path = write(folder, "mine.yaml", "# mine\nextends: base.yaml\ndepth: 4\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS203"
    assert places_of(found) == [f"{base}:2:12", f"{base}:3:12", f"{path}:2:10"]


def test_finding_on_two_files_begins_in_the_one_that_extends(folder: Path) -> None:
    """The value that came last is what broke it, whichever field the rule names."""
    base = write(folder, "base.yaml", "embed_dim: 768\n")
    path = write(folder, "mine.yaml", "# mine\nextends: base.yaml\nnum_heads: 7\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS203"
    assert places_of(found) == [f"{path}:3:12", f"{base}:1:12", f"{path}:2:10"]
    assert summary([found]) == f"1 error in {path}"


def test_secondary_places_alone_in_another_file(folder: Path) -> None:
    text = "extends: deit_base_patch16_224\nembed_dim: 770\n"
    path = write(folder, "mine.yaml", text)
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS203"
    assert places_of(found) == [
        f"{path}:2:12",
        "published:deit_base_patch16_224:6:12",
        f"{path}:1:10",
    ]
    assert found.secondary[-1].text == "extended here"


def test_each_extends_has_one_label(folder: Path) -> None:
    """Three files, two of them with a value: both links, neither twice."""
    base = write(folder, "base.yaml", "teacher_num_classes: 20\nnum_classes: 10\n")
    text = "extends: base.yaml\nvariant: {fusion: mean_logits}\n"
    middle = write(folder, "middle.yaml", text)
    path = write(folder, "mine.yaml", "extends: middle.yaml\nnum_classes: 30\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS207"
    assert places_of(found) == [
        f"{path}:2:14",
        f"{middle}:2:19",
        f"{base}:1:22",
        f"{path}:1:10",
        f"{middle}:1:10",
    ]


@pytest.mark.parametrize(
    ("base", "text", "place"),
    [
        ("deit_base_patch16_224", "variant: {distillation_token: true}", "2:31"),
        ("deit_base_distilled_patch16_224", "teacher_num_classes: null", "2:22"),
    ],
)
def test_note_on_a_published_spec_begins_where_it_can_be_fixed(
    folder: Path, base: str, text: str, place: str
) -> None:
    path = write(folder, "mine.yaml", f"extends: {base}\n{text}\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS209"
    first, *others = places_of(found)
    assert first == f"{path}:{place}"
    assert f"{path}:1:10" in others
    assert "published:deit_base_patch16_224:7:14" in others
    assert summary([found]) == f"1 note in {path}"


def test_note_that_the_base_has_itself_stays_there(folder: Path) -> None:
    base = write(folder, "base.yaml", "num_classes: 10\n")
    path = write(folder, "mine.yaml", "extends: base.yaml\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS209"
    assert places_of(found) == [f"{base}:1:14", f"{path}:1:10"]


def test_overridden_errors_are_not_reported(folder: Path) -> None:
    write(folder, "base.yaml", "depth: 0\n")
    path = write(folder, "mine.yaml", "extends: base.yaml\ndepth: 3\n")
    assert check_spec(path).diagnostics == ()


def test_a_cycle_of_specs(folder: Path) -> None:
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


def test_the_longest_chain(folder: Path) -> None:
    """One spec more than may extend one another is refused, at the last `extends`."""
    for index in range(1, LONGEST_CHAIN + 1):
        write(folder, f"s{index}.yaml", f"extends: s{index + 1}.yaml\n")
    last = write(folder, f"s{LONGEST_CHAIN}.yaml", "depth: 3\n")
    checked = check_spec(folder / "s1.yaml")
    assert checked.diagnostics == ()
    assert checked.spec is not None
    assert checked.spec.depth == 3
    last.write_text("extends: s0.yaml\n")
    write(folder, "s0.yaml", "depth: 3\n")
    (found,) = check_spec(folder / "s1.yaml").diagnostics
    assert found.code == "DS106"
    assert found.message == "more than 16 specs extend one another"
    assert str(found.primary.span) == f"{last}:1:10"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("extends: base.yaml\nembed_dim: 770\nnum_heads: 0\nname: [\n", ["DS103"]),
        ("extends: base.yaml\nembed_dim: 770\nname: [\n", []),
    ],
)
def test_after_a_syntax_error_only_fields_are_checked(
    folder: Path, text: str, codes: list[str]
) -> None:
    write(folder, "base.yaml", "embed_dim: 768\nnum_heads: 12\n")
    found = check_spec(write(folder, "mine.yaml", text)).diagnostics
    assert [each.code for each in found] == [*codes, "DS001"]


def test_extends_of_the_wrong_type(folder: Path) -> None:
    path = write(folder, "mine.yaml", "extends: 3\n")
    (found,) = check_spec(path).diagnostics
    assert (found.code, str(found.primary.span)) == ("DS102", f"{path}:1:10")


def test_published_name(folder: Path) -> None:
    text = "extends: deit3_base_patch16_224\nvariant:\n  drop_path: 0.2\n"
    spec = check_spec(write(folder, "mine.yaml", text)).spec
    assert spec is not None
    assert (spec.name, spec.embed_dim, spec.num_classes) == ("mine", 768, 1000)
    variant = spec.variant
    assert (variant.drop_path, variant.position_embedding) == (0.2, "patches")
    assert (variant.layer_scale, variant.distillation_token) == (1e-4, False)


def test_finding_in_a_published_spec(folder: Path) -> None:
    """Every line that leads there has a label, the first one first."""
    write(folder, "middle.yaml", "depth: 3\nextends: deit_tiny_patch16_224\n")
    path = write(folder, "mine.yaml", "extends: middle.yaml\nnum_heads: 5\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS203"
    assert places_of(found) == [
        f"{path}:2:12",
        "published:deit_tiny_patch16_224:3:12",
        f"{path}:1:10",
        f"{folder / 'middle.yaml'}:2:10",
    ]


def test_misspelt_published_name(folder: Path) -> None:
    path = write(folder, "mine.yaml", "extends: deit_tiny_patch16_244\n")
    (found,) = check_spec(path).diagnostics
    assert (found.code, str(found.primary.span)) == ("DS009", f"{path}:1:10")
    assert "did you mean `deit_tiny_patch16_224`?" in found.helps[0]


def test_missing_file_further_down(folder: Path) -> None:
    middle = write(folder, "middle.yaml", "extends: nowhere.yaml\n")
    path = write(folder, "mine.yaml", "extends: middle.yaml\n")
    (found,) = check_spec(path).diagnostics
    assert str(found.primary.span) == f"{middle}:1:10"
    assert [str(label.span) for label in found.secondary] == [f"{path}:1:10"]


def test_wrong_extends_of_a_base(folder: Path) -> None:
    write(folder, "base.yaml", "extends: 3\n")
    path = write(folder, "mine.yaml", "extends: base.yaml\n")
    (found,) = check_spec(path).diagnostics
    assert found.code == "DS102"
    assert str(found.primary.span) == f"{folder / 'base.yaml'}:1:10"


def test_name_that_no_file_can_have(folder: Path) -> None:
    path = write(folder, "mine.yaml", 'extends: "a\\0b"\n')
    (found,) = check_spec(path).diagnostics
    assert (found.code, str(found.primary.span)) == ("DS009", f"{path}:1:10")
