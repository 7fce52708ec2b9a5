"""A teacher of timm's."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.extra import require_packages
from deit_spec.distill.problems import DataError, some, unusable
from deit_spec.distill.teachers.base import Made
from deit_spec.weights import WeightsError, open_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from deit_spec.recipe import CheckedRecipe

COUNTER = "num_batches_tracked"
"""What a normalisation counts and evaluation does not look at."""


def timm_network(
    checked: "CheckedRecipe", name: str, weights: Path | None, classes: int | None
) -> Made:
    """Make a model with the weights of a file, or with those that timm downloads.

    Raises:
        DataError: timm has no such model or weights, or the file does not fit.
        MissingPackageError: timm is not installed.
    """
    require_packages("teachers of timm", "timm")
    import timm  # noqa: PLC0415  -- takes seconds

    wanted = {} if classes is None or weights is None else {"num_classes": classes}
    try:
        network: Any = timm.create_model(name, pretrained=weights is None, **wanted)
    except Exception as error:  # noqa: BLE001  -- it raises whatever its parts do
        reason = first_line_of(error)
        raise unusable(checked, "teacher.timm", f"timm says: {reason}") from None
    if weights is not None:
        _fill(checked, network, weights)
    config = network.pretrained_cfg
    channels, size, _ = config["input_size"]
    fixed = size if config.get("fixed_input_size") else None
    return Made(network, config["mean"], config["std"], fixed, channels)


def _about_classes(
    network: Any, given: "Mapping[str, Tensor]", misfits: list[str]
) -> str | None:
    """Say how many classes a file is of, where that alone keeps it from fitting."""
    config = network.pretrained_cfg
    named = config["classifier"]
    heads = (named,) if isinstance(named, str) else tuple(named)
    if not misfits or not all(each.startswith(heads) for each in misfits):
        return None
    weight = given.get(f"{heads[0]}.weight")
    return None if weight is None else f"`teacher.num_classes: {len(weight)}`"


def _fill(checked: "CheckedRecipe", network: nn.Module, path: Path) -> None:
    """Load a state dict, every tensor of which has its place and fits it."""
    try:
        given = open_checkpoint(path).tensors
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    own = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith(COUNTER)
    }
    given = {
        name: tensor for name, tensor in given.items() if not name.endswith(COUNTER)
    }
    misfits = [
        f"{name}: {list(given[name].shape)} for {list(own[name].shape)}"
        for name in own.keys() & given.keys()
        if given[name].shape != own[name].shape
    ]
    notes = [
        f"{what}: {some(sorted(names))}"
        for what, names in (
            ("missing", own.keys() - given.keys()),
            ("left over", given.keys() - own.keys()),
            ("of other shapes", misfits),
        )
        if names
    ]
    if notes:
        reason = f"{path} does not fit it: {'; '.join(notes)}"
        help_ = _about_classes(network, given, misfits)
        raise unusable(checked, "teacher.weights", reason, help_)
    network.load_state_dict(given, strict=False)
