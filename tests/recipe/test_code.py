"""Where the code of a teacher is, whoever asks from wherever."""

from pathlib import Path

import pytest

from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.checked_recipe import function_of, placed_function

HERE = Path("here")
CHECKED = CheckedRecipe(None, (), path=HERE / "recipe.yaml")


@pytest.mark.parametrize(
    ("text", "folder", "module"),
    [
        ("birds:model", HERE, "birds"),
        ("my.birds:model", HERE, "my.birds"),
        ("./my.birds:model", HERE, "my.birds"),
        ("code/of mine/my.birds:model", HERE / "code" / "of mine", "my.birds"),
        ("/code/birds:model", Path("/code"), "birds"),
        ("/birds:model", Path("/"), "birds"),
    ],
)
def test_the_path_of_a_function_is_parsed(text: str, folder: Path, module: str) -> None:
    assert function_of(CHECKED, text) == (folder, module, "model")


@pytest.mark.parametrize("module", ["birds", "my.birds"])
def test_a_module_next_to_the_recipe_is_named_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    (tmp_path / "here" / "my").mkdir(parents=True)
    (tmp_path / "here" / "birds.py").touch()
    monkeypatch.chdir(tmp_path)
    placed = placed_function(CHECKED, f"{module}:model")
    assert placed == f"{tmp_path.as_posix()}/here/{module}:model"
    monkeypatch.chdir("/")
    elsewhere = CheckedRecipe(None, (), path=Path("recipe.yaml"))
    assert function_of(elsewhere, placed) == (tmp_path / "here", module, "model")
    assert placed_function(elsewhere, placed) == placed


def test_what_is_installed_keeps_its_name() -> None:
    assert placed_function(CHECKED, "torchvision.models:resnet18") == (
        "torchvision.models:resnet18"
    )
