"""Execute a plan: make each tensor of the model from those of the checkpoint."""

from collections.abc import Iterator
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional

from deit_spec.runtime import as_dtype, draw, make_empty
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.plan import Channels, Draw, Join, Plan, Positions, Step


def fill(  # noqa: PLR0913  -- the inputs of a model
    source: str,
    name: str,
    plan: Plan,
    checkpoint: Checkpoint,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> nn.Module:
    """Make the model of a generated source with the tensors of a checkpoint.

    Nothing is allocated that a tensor replaces; unchanged tensors stay mapped to the
    file. Raises ValueError for an unknown dtype.
    """
    kind = as_dtype(dtype)
    place = torch.get_default_device() if device is None else device
    # Parameters that are made in inference mode can never be trained.
    with torch.inference_mode(mode=False):
        model = make_empty(source, name)
        state = {key: t.to(place) for key, t in realise(plan, checkpoint, kind)}
        model.load_state_dict(state, strict=True, assign=True)
    return model


def realise(
    plan: Plan, checkpoint: Checkpoint, dtype: torch.dtype | None = None
) -> Iterator[tuple[str, Tensor]]:
    """Make the tensors of a plan one by one, in the dtype or in their common one."""
    kind = dtype or common_dtype(plan, checkpoint)
    given: set[int] = set()
    for step in plan.steps:
        sources = [checkpoint.tensors[name].to(kind) for name in step.sources]
        with torch.no_grad():
            tensor = _make(step, sources, kind).to(kind).contiguous()
        yield step.name, _own(tensor, given)


def common_dtype(plan: Plan, checkpoint: Checkpoint) -> torch.dtype:
    """The narrowest dtype that can represent every tensor that a plan uses."""
    used = sorted({name for step in plan.steps for name in step.sources})
    dtypes = [checkpoint.tensors[name].dtype for name in used]
    return reduce(torch.promote_types, dtypes) if used else torch.get_default_dtype()


def _make(step: Step, sources: list[Tensor], dtype: torch.dtype) -> Tensor:
    match step.transform:
        case Join(zeros):
            parts = [*sources]
            for index in zeros:
                parts.insert(index, torch.zeros_like(sources[0]))
            return parts[0] if len(parts) == 1 else torch.cat(parts)
        case Positions(prefix, grid, antialias):
            return resample(sources[0], prefix=prefix, grid=grid, antialias=antialias)
        case Channels(count):
            return adapt_channels(sources[0], count)
        case Draw(init):
            return draw(torch.empty(step.shape, dtype=dtype, device="cpu"), init)


def resample(
    table: Tensor,
    *,
    prefix: tuple[int, int],
    grid: tuple[int, int],
    antialias: bool = False,
) -> Tensor:
    """Fit a `[1, rows, C]` position table to another grid and other prefix tokens.

    `prefix` and `grid` are the old and the new number of prefix rows and side. Patches
    are resampled bicubically, `align_corners=False`; prefix rows are copied bit for
    bit, and a new distillation token gets the row of the class token.
    """
    before, rows = table[:, : prefix[0]], table[:, prefix[0] :]
    if prefix[1] > prefix[0]:
        before = torch.cat((before, before[:, :1]), dim=1)
    before = before[:, : prefix[1]]
    old, new = grid
    if old != new:
        # Not every device has a bicubic kernel for half precision.
        exact = rows.float() if rows.dtype.itemsize < 4 else rows  # noqa: PLR2004
        image = exact.reshape(1, old, old, -1).permute(0, 3, 1, 2)
        image = functional.interpolate(
            image, (new, new), mode="bicubic", align_corners=False, antialias=antialias
        )
        rows = image.permute(0, 2, 3, 1).reshape(1, new * new, -1).to(table.dtype)
    return torch.cat((before, rows), dim=1)


def adapt_channels(weight: Tensor, count: int) -> Tensor:
    """Fit a `[C, channels, p, p]` projection to another number of channels.

    For one channel, the kernels are summed, because grey is three equal channels; for
    more, they repeat cyclically, scaled by old/new, as in timm's `adapt_input_conv`.
    """
    old = weight.shape[1]
    exact = weight.float() if weight.dtype.itemsize < 4 else weight  # noqa: PLR2004
    if count == 1:
        return exact.sum(dim=1, keepdim=True)
    turns = torch.arange(count, device=weight.device) % old
    return exact[:, turns] * (old / count)


def _own(tensor: Tensor, given: set[int]) -> Tensor:
    """Copy a tensor that shares memory with another one or with a larger one."""
    storage = tensor.untyped_storage()
    if storage.data_ptr() in given or storage.nbytes() != tensor.nbytes:
        tensor = tensor.clone(memory_format=torch.contiguous_format)
    given.add(tensor.untyped_storage().data_ptr())
    return tensor
