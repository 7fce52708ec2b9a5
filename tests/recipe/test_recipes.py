"""The recipes that come with the project, and what a valid one is checked into."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support import commands
from support.commands import ROOT

from deit_spec.recipe import CheckedRecipe, Recipe, check_recipe, check_study

FOLDER = ROOT / "recipes"
TEACHER = {"builtin": "digits_convnet"}
RECIPES = ("digits", "finetune-384", "image-folder", "imagenet-deit-base-distilled")


def valid(checked: CheckedRecipe) -> Recipe:
    assert checked.recipe is not None, checked.diagnostics
    return checked.recipe


def codes(checked: CheckedRecipe) -> set[str]:
    return {found.code for found in checked.diagnostics}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_valid_but_for_what_is_on_another_machine(name: str) -> None:
    checked = check_recipe(FOLDER / f"{name}.yaml")
    valid(checked)
    assert codes(checked) <= {"DS520"}


def test_every_file_is_one_of_these() -> None:
    names = {path.stem for path in FOLDER.glob("*.yaml")}
    assert names == {*RECIPES, "digits-study"}


def test_digits_have_nothing_to_find() -> None:
    checked = check_recipe(FOLDER / "digits.yaml")
    assert checked.diagnostics == ()
    assert checked.student is not None
    assert checked.student.spec is not None
    assert (
        checked.student.spec.variant.drop_path == valid(checked).augmentation.drop_path
    )


def test_the_paper_is_what_is_trained_by_default() -> None:
    """The recipe of table 9 spells out defaults, and adds none but the machine's."""
    recipe = valid(check_recipe(FOLDER / "imagenet-deit-base-distilled.yaml"))
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


def test_the_rate_of_fine_tuning_stays_where_it_is() -> None:
    recipe = valid(check_recipe(FOLDER / "finetune-384.yaml"))
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
    message = f"the class head has 1000 classes, and the data have {classes}"
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
    """Where a name tells of other data, nothing is said before it is opened."""
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


class TestStudy:
    def test_it_is_valid_and_every_run_of_it(self) -> None:
        checked = check_study(FOLDER / "digits-study.yaml")
        assert checked.diagnostics == ()
        assert checked.study is not None
        arms = list(checked.study.arms)
        assert arms == ["none", "soft", "hard_no_token", "hard", "true_labels"]
        for arm in arms:
            for images in checked.study.train_images:
                recipe = valid(checked.run(arm, images, 7))
                assert (recipe.data.train_images, recipe.run.seed) == (images, 7)

    def test_arms_differ_in_what_they_say_alone(self) -> None:
        checked = check_study(FOLDER / "digits-study.yaml")
        base = valid(check_recipe(FOLDER / "digits.yaml")).model_dump()
        for name, arm in checked.arms.items():
            recipe = valid(arm).model_dump()
            differ = {
                f"{section}.{field}"
                for section in base
                if recipe[section] is not None
                for field in base[section]
                if recipe[section][field] != base[section][field]
            }
            assert checked.study is not None
            said = {
                field for key in checked.study.arms[name] or {} for field in (key,)
            } | {"data.train_images"}
            if name == "true_labels":
                said |= {"teacher.builtin"}
            assert differ <= said

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("seed: [0]\n", [("DS101", 2, 1)]),
            ("seeds: []\n", [("DS102", 2, 8)]),
            ("seeds: [0, a]\n", [("DS102", 2, 12)]),
            ("seeds: [-1]\n", [("DS103", 2, 9)]),
            ("seeds: [0]\nbaseline: non\n", [("DS104", 3, 11)]),
            ("seeds: [0]\n", []),
        ],
    )
    def test_wrong_fields(
        self, text: str, expected: list[tuple[str, int, int]], tmp_path: Path
    ) -> None:
        study = tmp_path / "s.yaml"
        base = FOLDER / "digits.yaml"
        study.write_text(
            f"recipe: {base}\n{text}train_images: [100]\narms:\n  none: {{}}\n"
        )
        found = check_study(study).diagnostics
        places = [
            (one.code, one.primary.span.line, one.primary.span.column) for one in found
        ]
        assert places == expected

    @pytest.mark.parametrize(
        ("arm", "expected"),
        [
            ("loss.kind: hrad", ("DS104", 6, 16)),
            ("loss.knid: hard", ("DS101", 6, 10)),
            ("optimiser.lr: 1.0", ("DS101", 6, 5)),
            ("teacher: null", ("DS503", 6, 14)),
            ("'loss.tau': 3.0", ("DS512", 6, 17)),
            ("data.val_images: 1700", ("DS517", 6, 22)),
            ("student.spec: nowhere.yaml", ("DS009", 6, 19)),
            ("student.spec: deit_tiny_patch16_224", ("DS509", 6, 19)),
        ],
    )
    def test_what_is_wrong_in_an_arm_is_found_there(
        self, arm: str, expected: tuple[str, int, int], tmp_path: Path
    ) -> None:
        study = tmp_path / "s.yaml"
        study.write_text(
            f"recipe: {FOLDER / 'digits.yaml'}\nseeds: [0]\ntrain_images: [100, 300]\n"
            f"arms:\n  first:\n    {arm}\n  hard: {{}}\n"
        )
        first = check_study(study).diagnostics[0]
        span = first.primary.span
        assert span.source.name == str(study)
        assert (first.code, span.line, span.column) == expected

    def test_a_wrong_base_is_told_with_the_line_that_names_it(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "r.yaml").write_text("student: {spec: x.yaml}\nrun: {sed: 3}\n")
        study = tmp_path / "s.yaml"
        study.write_text(
            "recipe: r.yaml\nseeds: [0]\ntrain_images: [9]\narms: {a: {}}\n"
        )
        checked = check_study(study)
        assert checked.study is None
        assert checked.arms == {}
        assert {found.code for found in checked.diagnostics} >= {"DS009", "DS101"}
        for found in checked.diagnostics:
            assert found.secondary[-1].span.source.name == str(study)
        study.write_text(
            "recipe: none.yaml\nseeds: [0]\ntrain_images: [9]\narms: {a: {}}\n"
        )
        (lost,) = check_study(study).diagnostics
        assert (lost.code, lost.primary.span.line) == ("DS009", 1)


def test_torch_is_not_imported() -> None:
    heavy = "{'torch', 'rich', 'timm', 'accelerate', 'sklearn'}"
    code = (
        "import sys; from deit_spec.cli import main\n"
        "sys.argv = ['deit-spec', 'validate', 'recipes/digits.yaml']\n"
        f"try: main()\nexcept SystemExit: print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


class TestCommand:
    def test_a_line_sums_up(self) -> None:
        done = commands.run("validate", "recipes/digits.yaml")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == (
            "recipes/digits.yaml: digits, hard distillation from digits_convnet, "
            "1,000 images of digits, 600 steps of batch 64, peak lr 0.002\n"
        )
        done = commands.run("validate", "recipes/digits-study.yaml")
        assert done.stdout == (
            "recipes/digits-study.yaml: 120 runs of digits.yaml: "
            "5 arms, 3 sizes, 8 seeds\n"
        )

    def test_recipes_and_specs_together(self) -> None:
        done = commands.run("validate", "recipes/digits.yaml", "specs/tiny.yaml")
        assert (done.returncode, done.stdout) == (0, "2 files, all valid\n")

    def test_values_are_laid_over(self) -> None:
        done = commands.run(
            "validate", "recipes/digits.yaml", "--set", "schedule.steps=900"
        )
        assert "900 steps" in done.stdout
        done = commands.run(
            "validate", "recipes/digits.yaml", "--set", "schedule.stepz=9"
        )
        assert done.returncode == 1
        assert "--> --set:1:10" in done.stderr
        assert "1 | schedule.stepz=9" in done.stderr

    def test_from_standard_input(self) -> None:
        text = "student: {spec: deit_tiny_patch16_224}\ndata: {dataset: x}\n"
        done = commands.run("validate", "-", stdin=f"{text}loss: {{kind: none}}\n")
        assert done.returncode == 0
        assert done.stdout.startswith("-: ")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["specs/tiny.yaml", "--set", "a.b=1"],
            ["recipes/digits-study.yaml", "--set", "a.b=1"],
            ["recipes/digits.yaml", "--set", "a.b=1", "--fix"],
        ],
    )
    def test_set_is_for_recipes_that_stay_as_they_are(
        self, arguments: list[str]
    ) -> None:
        done = commands.run("validate", *arguments)
        assert done.returncode == 2
        assert "--set" in done.stderr

    def test_what_is_misspelt_is_mended(self, tmp_path: Path) -> None:
        recipe = tmp_path / "r.yaml"
        recipe.write_text(
            "student: {spec: deit_tiny_patch16_224}  # mine\n"
            "data: {dataset: x}\nlos:\n  kind: none\nschedule:\n  epoch: 3.0\n"
            "  warmup_epochs: 0\n"
        )
        done = commands.run("validate", "--fix", "r.yaml", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert recipe.read_text() == (
            "student: {spec: deit_tiny_patch16_224}  # mine\n"
            "data: {dataset: x}\nloss:\n  kind: none\nschedule:\n  epochs: 3\n"
            "  warmup_epochs: 0\n"
        )


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
def test_a_head_that_learns_or_does_not_answer_is_fine(
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
