"""The processes of a run: which one this is, and what they do together."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from deit_spec.recipe import Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator


DECIDED_BY_RECIPES = (
    "ACCELERATE_DYNAMO_",
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS",
    "ACCELERATE_USE_DEEPSPEED",
    "ACCELERATE_USE_FSDP",
    "ACCELERATE_USE_MEGATRON_LM",
)
"""How variables begin by which `accelerate config` would wrap a model."""


class Processes:
    """This process among those that `accelerate launch` started, or alone.

    Accelerate finds the device, starts the process group and wraps a model for DDP.
    FSDP2 is torch's own `fully_shard`, which works on the CPU too.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.accelerator = _accelerator()
        self.device: torch.device = self.accelerator.device
        self.rank: int = self.accelerator.process_index
        self.world: int = self.accelerator.num_processes
        self.main: bool = self.accelerator.is_main_process
        self.sharded = recipe.run.parallel == "fsdp2" and self.world > 1
        self.half = recipe.run.precision == "bf16"

    @property
    def place(self) -> str:
        """What the device is called; of several CPUs none has a number."""
        return "cpu" if self.device.type == "cpu" else str(self.device)

    def share(self, model: nn.Module) -> nn.Module:
        """Put a model on the device, and make a module to call that all share.

        Under FSDP2 the model itself is sharded: its parameters are replaced.
        """
        if self.sharded:
            return shard(model.to(self.device), self.device)
        prepared: nn.Module = self.accelerator.prepare_model(model)
        return prepared

    def autocast(self) -> AbstractContextManager[Any]:
        """Compute in bf16 within, where the recipe says so; weights stay fp32."""
        if not self.half:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def no_sync(self, model: nn.Module) -> AbstractContextManager[Any]:
        """Keep gradients to this process within, for all parts but the last."""
        if self.world == 1:
            return nullcontext()
        if self.sharded:
            return _no_gradient_sync(model)
        context: AbstractContextManager[Any] = self.accelerator.no_sync(model)
        return context

    def total(self, tensor: Tensor) -> Tensor:
        """Add a tensor over the processes."""
        if self.world == 1:
            return tensor
        summed: Tensor = self.accelerator.reduce(tensor.to(self.device), "sum")
        return summed.to(tensor.device)

    def mean(self, tensor: Tensor) -> Tensor:
        """Average a tensor over the processes."""
        return self.total(tensor) / self.world

    def gather(self, names: list[str]) -> list[str]:
        """Join what each process names, in their order."""
        if self.world == 1:
            return names
        found: list[list[str]] = [[] for _ in range(self.world)]
        torch.distributed.all_gather_object(found, names)
        return [name for some in found for name in some]

    def agree(self, *, wish: bool) -> bool:
        """Whether any process wishes it."""
        if self.world == 1:
            return wish
        return bool(self.total(torch.tensor(float(wish))).item())

    def wait(self) -> None:
        """Wait for the others."""
        self.accelerator.wait_for_everyone()

    def local_main_first(self) -> AbstractContextManager[Any]:
        """Let one process of a machine go first, as it may write what others read."""
        context: AbstractContextManager[Any] = (
            self.accelerator.local_main_process_first()
        )
        return context


def is_first_to_say(text: str) -> bool:
    """Whether no other process of the run has asked this of the same text.

    What one process alone has met is told by that one, and what all have met once.
    Before they know of each other all have met it, and one of each machine tells.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return int(os.environ.get("LOCAL_RANK") or 0) == 0
    key = "deit-spec said " + sha256(text.encode()).hexdigest()
    try:
        store: Any = torch.distributed.distributed_c10d._get_default_store()  # noqa: SLF001
        return bool(store.add(key, 1) == 1)
    except RuntimeError:  # the process that kept it is gone
        return True


def is_of_a_lost_process(error: RuntimeError) -> bool:
    """Whether another process of the run ended while this one waited for it."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return False
    return isinstance(error, torch.distributed.DistError) or "by peer" in str(error)


def _accelerator() -> "Accelerator":
    """An accelerator of the state that this process is in, whatever ran before."""
    from accelerate import Accelerator  # noqa: PLC0415  -- of the extra `train`
    from accelerate.state import AcceleratorState  # noqa: PLC0415

    AcceleratorState._reset_state()  # noqa: SLF001  -- else it keeps the last run's
    # Without `cpu` it would not look for other processes where there is no GPU.
    cpu = True if not _has_device() else None
    with _without(DECIDED_BY_RECIPES):
        made = Accelerator(cpu=cpu, mixed_precision="no")  # `autocast` enters it
    launched = int(os.environ.get("WORLD_SIZE") or 1)
    if made.num_processes != launched:
        raise RuntimeError(f"{made.num_processes} of {launched} processes were found")
    return made


@contextmanager
def _without(prefixes: tuple[str, ...]) -> Iterator[None]:
    """Hide variables of the environment within."""
    hidden = {
        name: os.environ[name] for name in os.environ if name.startswith(prefixes)
    }
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _has_device() -> bool:
    """Whether there is anything to compute on but the CPU."""
    return (
        torch.cuda.is_available()
        or torch.backends.mps.is_available()
        or torch.xpu.is_available()
    )


def shard(model: nn.Module, device: torch.device) -> nn.Module:
    """Shard each block of a model, then what is left of it, over all processes."""
    from torch.distributed.device_mesh import init_device_mesh  # noqa: PLC0415
    from torch.distributed.fsdp import fully_shard  # noqa: PLC0415

    world = torch.distributed.get_world_size()
    mesh = init_device_mesh(device.type, (world,))
    for block in model.blocks:  # type: ignore[union-attr]
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


@contextmanager
def _no_gradient_sync(model: Any) -> Iterator[None]:
    model.set_requires_gradient_sync(False)
    try:
        yield
    finally:
        model.set_requires_gradient_sync(True)
