"""Access to the specs, accuracies and recipes of the published models by name."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Top-1 accuracy on the validation set of ImageNet-1k, in percent."""

    top1: float
    paper: str
    table: str

    @property
    def source(self) -> str:
        """The source of the accuracy."""
        return f"{self.paper}, {self.table}"


@cache
def accuracies() -> dict[str, Accuracy]:
    """The reported accuracy of each model, in listing order."""
    text = _folder().joinpath("accuracy.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Accuracy(float(row["imagenet_top1"]), row["paper"], row["table"])
        for row in csv.DictReader(text.splitlines())
    }


def names() -> tuple[str, ...]:
    """The names of the published models."""
    return tuple(accuracies())


def read(name: str) -> bytes:
    """Read the spec of a published model."""
    return file(name).read_bytes()


def file(name: str) -> Traversable:
    """The path of the spec of a published model."""
    return _folder().joinpath("models", f"{name}.yaml")


@cache
def recipe_names() -> tuple[str, ...]:
    """The names of the recipes for the published models."""
    files_ = _folder().joinpath("recipes").iterdir()
    return tuple(sorted(each.name.removesuffix(".yaml") for each in files_))


def read_recipe(name: str) -> str:
    """Read one of the recipes."""
    return _folder().joinpath("recipes", f"{name}.yaml").read_text(encoding="utf-8")


def _folder() -> Traversable:
    return files("deit_spec.published")
