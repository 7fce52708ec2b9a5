"""The processes of a run, and the signals that stop it."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from hashlib import sha256
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.diagnostics.printable import counted
from deit_spec.distill.runtime_errors import recipe_of, run_error
from deit_spec.recipe import CheckedRecipe, Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator


RECIPE_DECIDES = {
    "ACCELERATE_DYNAMO_BACKEND": "no",
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "1",
    "ACCELERATE_USE_DEEPSPEED": "false",
    "ACCELERATE_USE_FSDP": "false",
    "ACCELERATE_USE_MEGATRON_LM": "false",
}
"""Variables by which `accelerate config` would wrap a model."""


class Processes:
    """This process, alone or among those that `accelerate launch` started."""

    def __init__(self, recipe: Recipe) -> None:
        self.accelerator = _accelerator(recipe.run.device)
        self.device: torch.device = self.accelerator.device
        self.rank: int = self.accelerator.process_index
        self.world: int = self.accelerator.num_processes
        self.main: bool = self.accelerator.is_main_process
        self.sharded = recipe.run.parallel == "fsdp2" and self.world > 1
        self.bf16 = recipe.run.precision == "bf16"

    def wrap(self, model: nn.Module) -> nn.Module:
        """Put a model on the device and wrap it; FSDP2 replaces its parameters."""
        if self.sharded:
            return _shard(model.to(self.device), self.device)
        prepared: nn.Module = self.accelerator.prepare_model(model)
        return prepared

    def autocast(self) -> AbstractContextManager[Any]:
        """Compute in bf16 in the block if the recipe says so; weights stay fp32."""
        if not self.bf16:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    @contextmanager
    def no_sync(self, model: Any) -> Iterator[None]:
        """Do not share gradients with other processes in the block."""
        if not self.sharded:
            with self.accelerator.no_sync(model):
                yield
            return
        model.set_requires_gradient_sync(False)
        try:
            yield
        finally:
            model.set_requires_gradient_sync(True)

    def total(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over the processes."""
        if self.world == 1:
            return tensor
        summed: Tensor = self.accelerator.reduce(tensor.to(self.device), "sum")
        return summed.to(tensor.device)

    def mean(self, tensor: Tensor) -> Tensor:
        """Average a tensor over the processes."""
        return self.total(tensor) / self.world

    def gather(self, names: list[str]) -> list[str]:
        """Join the lists of all processes."""
        from accelerate.utils import gather_object  # noqa: PLC0415

        gathered: list[str] = gather_object(names)
        return gathered

    def any(self, value: bool) -> bool:  # noqa: FBT001  -- as the built-in function
        """Whether the value is true in any process."""
        if self.world == 1:
            return value
        return bool(self.total(torch.tensor(float(value))).item())


def is_first_to_report(message: str) -> bool:
    """Whether no other process has called this with the same message."""
    if not _has_group():
        return int(os.environ.get("LOCAL_RANK") or 0) == 0
    key = "deit-spec reported " + sha256(message.encode()).hexdigest()
    try:
        store: Any = torch.distributed.distributed_c10d._get_default_store()  # noqa: SLF001
        return bool(store.add(key, 1) == 1)
    except RuntimeError:  # the process that hosts the store has ended
        return True


def is_lost_process(error: RuntimeError) -> bool:
    """Whether another process of the run ended while this one waited for it."""
    if not _has_group():
        return False
    return isinstance(error, torch.distributed.DistError) or "by peer" in str(error)


def _has_group() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def require_device(checked: CheckedRecipe) -> None:
    """DS549: this machine has the device of a recipe, for each process."""
    name = recipe_of(checked).run.device
    reason = None if name is None else _missing_device(name)
    if reason is None:
        return
    message = f"run.device {name} cannot be used: {reason}"
    help_ = "`run.device: null` chooses the device"
    raise run_error(checked.span("run.device"), "DS549", message, help_=help_)


def _missing_device(name: str) -> str | None:
    """Why a device cannot be used; None if it can."""
    kind, _, index = name.partition(":")
    if kind == "cuda":
        count = torch.cuda.device_count()
        if count <= int(index or 0):
            return f"torch finds {counted(count, 'GPU')}"
    if kind == "mps" and not torch.backends.mps.is_available():
        return "torch finds no Apple GPU"
    if index and _launched() > 1:
        return f"each of {_launched()} processes needs its own GPU"
    return None


def single_process(checked: CheckedRecipe) -> Diagnostic | None:
    """DS550: accelerate was asked for several processes, and started one."""
    variables = os.environ.keys()
    is_single = {"ACCELERATE_MIXED_PRECISION", "MASTER_ADDR"} <= variables
    if not is_single or "WORLD_SIZE" in variables:
        return None
    rest = "-m deit_spec train …`"
    torchrun = f"`torchrun --nproc_per_node 2 {rest}"
    accelerate = f"`accelerate launch --multi_gpu --num_processes 2 {rest}"
    return diagnose(
        "DS550",
        "`accelerate launch` was asked for several processes, but started one",
        Label(checked.span("run.parallel")),
        notes=["it starts one process without `--multi_gpu`, and with `--cpu` always"],
        helps=[f"{torchrun}, or {accelerate}; both work on CPUs as well"],
    )


def _launched() -> int:
    """The number of processes of `accelerate launch` or `torchrun`."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def _accelerator(device: str | None) -> "Accelerator":
    from accelerate import Accelerator  # noqa: PLC0415  -- of the extra `train`
    from accelerate.state import AcceleratorState  # noqa: PLC0415
    from accelerate.utils import patch_environment  # noqa: PLC0415

    # It keeps the state of an earlier run in this process.
    AcceleratorState._reset_state(reset_partial_state=not _has_group())  # noqa: SLF001
    has_device = (
        torch.cuda.is_available()
        or torch.backends.mps.is_available()
        or torch.xpu.is_available()
    )
    variables = dict(RECIPE_DECIDES)
    if device not in (None, "cpu") and _launched() == 1:
        variables["ACCELERATE_TORCH_DEVICE"] = str(device)
    uses_cpu = device == "cpu" or (device is None and not has_device)
    with patch_environment(**variables):
        # Without `cpu` it would not look for other processes if there is no GPU, and
        # `autocast` sets the precision.
        made = Accelerator(cpu=uses_cpu or None, mixed_precision="no")
    if made.num_processes != _launched():
        raise RuntimeError(
            f"{made.num_processes} of {_launched()} processes were found"
        )
    if made.device.type == "cuda" and made.device.index is not None:
        torch.cuda.set_device(made.device)
    return made


def _shard(model: nn.Module, device: torch.device) -> nn.Module:
    """Shard each block of a model, then its other parameters, over all processes."""
    from torch.distributed.device_mesh import init_device_mesh  # noqa: PLC0415
    from torch.distributed.fsdp import fully_shard  # noqa: PLC0415

    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))
    for block in model.blocks:  # type: ignore[union-attr]
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def exit_from_group(code: int) -> None:
    """Exit if this process is in a group of processes, without ending the interpreter.

    Some of torch's caches keep the threads of a group. If such a thread needs the
    interpreter while that ends, CPython 3.11 aborts the process.
    """
    if not _has_group():
        return
    if code == 0:
        torch.distributed.destroy_process_group()
    atexit._run_exitfuncs()  # noqa: SLF001  -- `os._exit` does not call them
    with suppress(OSError):  # of a closed pipe
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


class StopSignal:
    """Records the first SIGINT, SIGTERM or SIGUSR1; a second one acts as usual."""

    SIGNALS = ("SIGINT", "SIGTERM", "SIGUSR1")
    """Windows has no SIGUSR1."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in self.SIGNALS:
                each = getattr(signal, name, None)
                if each is None:
                    continue
                if signal.getsignal(each) is not signal.SIG_IGN:
                    self._previous[each] = signal.signal(each, self._record)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _record(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        for each, handler in self._previous.items():
            signal.signal(each, handler)
        self._previous.clear()
