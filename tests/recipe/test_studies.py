"""Recipes of studies."""

import json
from pathlib import Path

import pytest
from support.recipes import FOLDER, valid

from deit_spec.recipe import check_recipe, check_study
from deit_spec.recipe.recipe_summary import of_study


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

    def test_arms_differ_only_in_the_fields_that_they_set(self) -> None:
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

    def test_a_field_in_place_of_an_arm(self, tmp_path: Path) -> None:
        study = tmp_path / "s.yaml"
        study.write_text(
            f"recipe: {FOLDER / 'digits.yaml'}\nseeds: [0]\ntrain_images: [100]\n"
            "arms:\n  a: {}\n  loss.kind: none\n"
        )
        (found,) = check_study(study).diagnostics
        span = found.primary.span
        assert (found.code, span.line, span.column) == ("DS102", 6, 14)
        assert found.message == "arms.loss.kind is not a mapping"
        assert found.helps == ("for example, `arms: {soft: {loss.kind: soft}}`",)
        assert found.fix is None

    @pytest.mark.parametrize("name", ["../../esc", "a/b", "a|b", "x" * 61, "-x", ""])
    def test_the_name_of_an_arm_must_be_a_valid_folder_name(
        self, name: str, tmp_path: Path
    ) -> None:
        study = tmp_path / "s.yaml"
        study.write_text(
            f"recipe: {FOLDER / 'digits.yaml'}\nseeds: [0]\ntrain_images: [100]\n"
            f"arms:\n  none: {{}}\n  {json.dumps(name)}: {{}}\n"
        )
        (found,) = check_study(study).diagnostics
        span = found.primary.span
        assert (found.code, span.line, span.column) == ("DS107", 6, 3)
        assert found.helps

    def test_seeds_that_are_the_same_are_one(self, tmp_path: Path) -> None:
        study = tmp_path / "s.yaml"
        study.write_text(
            f"recipe: {FOLDER / 'digits.yaml'}\nseeds: [0, 0]\n"
            "train_images: [100]\narms: {none: {}, other: {}}\n"
        )
        text = of_study(check_study(study))
        assert text == "2 runs of digits.yaml: 2 arms, 1 size, 1 seed"

    @pytest.mark.parametrize(
        ("arm", "expected"),
        [
            ("loss.kind: hrad", ("DS104", 6, 16)),
            ("loss.knid: hard", ("DS101", 6, 5)),
            ("optimiser.lr: 1.0", ("DS101", 6, 5)),
            ("teacher: null", ("DS503", 6, 14)),
            ("'loss.tau': 3.0", ("DS512", 6, 17)),
            ("data.val_images: 1700", ("DS517", 6, 22)),
            ("student.spec: nowhere.yaml", ("DS009", 6, 19)),
            ("student.spec: deit_tiny_patch16_224", ("DS509", 6, 19)),
        ],
    )
    def test_an_error_in_an_arm_is_reported_at_its_line(
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

    def test_errors_of_the_base_recipe_are_reported_at_the_line_that_names_it(
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
