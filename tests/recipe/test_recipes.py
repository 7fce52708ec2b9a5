"""The recipes that come with the project, and what a valid one is checked into."""

from pathlib import Path

import pytest
import yaml
from support.recipes import FOLDER, valid

from deit_spec.recipe import CheckedRecipe, check_recipe

TEACHER = {"builtin": "digits_convnet"}
PUBLISHED = FOLDER / "published"
RECIPES = [
    path
    for folder in (FOLDER, PUBLISHED)
    for path in folder.glob("*.yaml")
    if "-study" not in path.stem
]


def codes(checked: CheckedRecipe) -> set[str]:
    return {found.code for found in checked.diagnostics}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_valid_but_for_what_is_on_another_machine(path: Path) -> None:
    checked = check_recipe(path)
    valid(checked)
    # The heads of image-folder.yaml have different classes.
    assert codes(checked) <= {"DS520", "DS213"}


def test_the_recipes_of_digits_have_no_findings() -> None:
    checked = check_recipe(FOLDER / "digits.yaml")
    assert checked.diagnostics == ()
    assert checked.student is not None
    assert checked.student.spec is not None
    assert (
        checked.student.spec.variant.drop_path == valid(checked).augmentation.drop_path
    )


def test_the_paper_is_what_is_trained_by_default() -> None:
    """The recipe of table 9 spells out defaults, and adds none but the machine's."""
    recipe = valid(check_recipe(PUBLISHED / "imagenet-deit-base-distilled.yaml"))
    plain = valid(
        check_recipe(
            {
                "student": {"spec": "deit_base_distilled_patch16_224"},
                "teacher": {"timm": "regnety_160"},
                "data": {"dataset": "imagenet"},
            }
        )
    )
    for section in ("loss", "optimizer", "augmentation"):
        assert getattr(recipe, section) == getattr(plain, section)
    assert recipe.peak_lr == plain.peak_lr == pytest.approx(1e-3)


def test_the_learning_rate_of_fine_tuning_is_constant() -> None:
    recipe = valid(check_recipe(PUBLISHED / "finetune-384.yaml"))
    assert recipe.peak_lr == recipe.schedule.min_lr == 5e-6


def test_paths_begin_at_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "student: {spec: deit_tiny_patch16_224}\n"
        "data: {folder: ../birds}\nloss: {kind: none}\n"
    )
    checked = check_recipe(tmp_path / "r.yaml")
    assert checked.place("../birds") == tmp_path / ".." / "birds"
    assert checked.place("/data") == Path("/data")
    assert checked.place("~/birds") == Path.home() / "birds"
    span = checked.span("data.folder")
    assert (span.line, span.column) == (2, 16)
    assert checked.span("data.workers").line == 2
    assert checked.span("optimizer.lr").line == 1


def test_a_recipe_may_be_a_mapping_and_nothing_else() -> None:
    value = {"student": {"spec": "deit_tiny_patch16_224"}, "loss": {"kind": "none"}}
    assert codes(check_recipe(value)) == {"DS500"}
    with pytest.raises(TypeError, match="a recipe is a path or a mapping"):
        check_recipe(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("folders", "classes"),
    [(("a", "b"), 2), (("train/a", "train/b", "train/c", "val/a"), 3), ((".x",), None)],
)
def test_classes_are_counted_in_a_folder_that_is_there(
    folders: tuple[str, ...], classes: int | None, tmp_path: Path
) -> None:
    for name in folders:
        (tmp_path / "images" / name).mkdir(parents=True)
    (tmp_path / "r.yaml").write_text(
        "student: {spec: deit_tiny_patch16_224}\n"
        "data: {folder: images}\nloss: {kind: none}\n"
    )
    found = [found.message for found in check_recipe(tmp_path / "r.yaml").diagnostics]
    message = f"the class head has 1,000 classes, but the data has {classes}"
    assert found == ([] if classes is None else [message])


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("regnety_160", 1000),
        ("resnet50.a1_in1k", 1000),
        ("convnext_base.fb_in22k_ft_in1k", 1000),
        ("convnext_base.fb_in22k", None),
        ("vit_base_patch14_dinov2.lvd142m", None),
    ],
)
def test_the_classes_of_timm(name: str, classes: int | None, tmp_path: Path) -> None:
    """A name that suggests other data is not reported before the data is opened."""
    value = {
        "student": {"spec": "deit_tiny_distilled_patch16_224"},
        "teacher": {"timm": name},
        "data": {"dataset": "me/birds"},
    }
    assert codes(check_recipe(value)) == set()
    student = {
        "extends": "deit_tiny_distilled_patch16_224",
        "teacher_num_classes": 7,
        "variant": {"fusion": "cls"},
    }
    spec = tmp_path / "student.yaml"
    spec.write_text(yaml.safe_dump(student))
    found = check_recipe(value | {"student": {"spec": str(spec)}})
    assert codes(found) == (set() if classes is None else {"DS510"})


@pytest.mark.parametrize(
    ("spec", "sections"),
    [
        ("extends: {base}\nvariant: {{fusion: cls}}\n", {"loss": {"kind": "none"}}),
        ("extends: {base}\nteacher_num_classes: null\n", {"loss": {"kind": "none"}}),
        ("extends: {base}\n", {"loss": {"alpha": 0.1}, "teacher": TEACHER}),
        (
            "extends: {base}\n",
            {"loss": {"kind": "none"}, "student": {"weights": "x.pth"}},
        ),
    ],
)
def test_a_head_that_is_trained_or_not_used_is_valid(
    tmp_path: Path, spec: str, sections: dict[str, dict[str, object]]
) -> None:
    (tmp_path / "s.yaml").write_text(
        spec.format(base=FOLDER / "students" / "digits.yaml")
    )
    student = {"spec": str(tmp_path / "s.yaml"), **sections.pop("student", {})}
    data, schedule = {"builtin": "digits"}, {"steps": 100, "warmup_steps": 10}
    found = check_recipe(
        {"student": student, "data": data, "schedule": schedule, **sections}
    )
    assert "DS529" not in codes(found)
    assert found.recipe is not None
