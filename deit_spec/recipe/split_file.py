"""`split.json`: which images a run has held out, and which it was trained on."""

import json
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, Field, ValidationError

from deit_spec.diagnostics import Label, Span, diagnose
from deit_spec.diagnostics.printable import reason_of
from deit_spec.recipe.checked_recipe import RecipeError
from deit_spec.recipe.run_files import SPLIT
from deit_spec.recipe.run_records import damaged_file
from deit_spec.spec.schema import CONFIG

HELP: Final = "restore the file, or remove it to split the images by the recipe again"


class SplitFile(BaseModel):
    """The content of `split.json`; images are paths with `/`, or rows, `train[17]`."""

    model_config = CONFIG

    version: Literal[1] = Field(description="The version of the format.")
    source: Literal["builtin", "folder", "dataset"] = Field(
        description="The field of `data` that is the source of the images."
    )
    name: str = Field(
        pattern=r"^[^\x00]*$",
        description="The value of this field, with an absolute path.",
    )
    digest: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="The SHA-256 of the names and classes of all images.",
    )
    train_prefix: str = Field(
        description="The start of the names of all images of the training split."
    )
    trained_on: tuple[str, ...] | None = Field(
        description="The images to train on; null for all of the training split that "
        "were not held out."
    )
    held_out: tuple[str, ...] = Field(description="The images held out.")
    fingerprints: dict[str, str] = Field(
        description="For up to 1,000 of the images held out, the start of the SHA-256 "
        "of their size and first 4 KiB."
    )

    @cached_property
    def held_out_names(self) -> frozenset[str]:
        """The images held out, as a set."""
        return frozenset(self.held_out)

    @cached_property
    def _trained_on_names(self) -> frozenset[str] | None:
        return None if self.trained_on is None else frozenset(self.trained_on)

    def was_trained_on(self, name: str) -> bool:
        """Whether an image was one to train on."""
        if self._trained_on_names is not None:
            return name in self._trained_on_names
        return name.startswith(self.train_prefix) and name not in self.held_out_names

    def text(self) -> str:
        """The text of the file."""
        return json.dumps(self.model_dump(), indent=1) + "\n"


def read_split(folder: Path) -> SplitFile | None:
    """Read the split of a run; None if it has none, a RunFileError if it is damaged."""
    path = folder / SPLIT
    try:
        return SplitFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = reason_of(error)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        place = ".".join(map(str, found["loc"]))
        reason = f"{place}: {found['msg'].lower()}" if place else "it is not JSON"
    raise damaged_file(path, reason, HELP)


def split_error(folder: Path, reason: str) -> RecipeError:
    """DS543: the `split.json` of a run cannot be used."""
    span = Label(Span.of_file(folder / SPLIT))
    return RecipeError(
        [diagnose("DS543", f"{SPLIT} cannot be used: {reason}", span, helps=[HELP])]
    )
