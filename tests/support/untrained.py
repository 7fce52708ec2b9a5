"""Run folders that nobody trained."""

from pathlib import Path

import torch
from PIL import Image
from torch import nn

import deit_spec
from deit_spec.distill.data.digits import read_digits
from deit_spec.distill.training.run_folder import begin_run
from deit_spec.recipe import check_recipe
from deit_spec.weights import safetensors_file

RECIPES = Path(__file__).parents[2] / "recipes"
DIGITS = RECIPES / "digits.yaml"


def save_weights(spec: Path | str, path: Path) -> Path:
    """Save weights of a spec that follow from nothing else."""
    torch.manual_seed(0)
    model = deit_spec.load(spec)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    with path.open("wb") as file:
        safetensors_file.write(file, dict(model.state_dict()))
    return path


def make_run(folder: Path, *overrides: str) -> Path:
    """A run on the digits, with weights that learned nothing."""
    checked = check_recipe(DIGITS, overrides)
    assert checked.recipe is not None, checked.diagnostics
    begin_run(checked, folder, [f"the digit {number}" for number in range(10)])
    save_weights(folder / "spec.yaml", folder / "model.safetensors")
    return folder


def save_digits(folder: Path, count: int) -> Path:
    """Save the first digits as images of 8×8 pixels, `0.png` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    images, _ = read_digits()
    for number, image in enumerate(images[:count]):
        pixels = (255 * image[0]).round().to(torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"{number}.png")
    return folder
