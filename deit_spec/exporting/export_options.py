"""The options of an export."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from deit_spec.model.exported_interface import (
    ExportedInterface,
    InputKind,
    Layout,
    Precision,
)
from deit_spec.runtime.exported_module import LARGEST_BATCH

OutputChoice: TypeAlias = Literal["logits", "probabilities", "topk"]

OPSETS: Final = range(18, 24)
"""Those that the exporter of torch writes."""
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "input": get_args(InputKind),
    "layout": get_args(Layout),
    "output": get_args(OutputChoice),
    "precision": get_args(Precision),
}


@dataclass(frozen=True)
class ExportOptions:
    """What an exported file takes and returns, and how it is written.

    Attributes:
        input: `float`: normalised images in float32. `uint8`: pixels from 0 to 255,
            with the normalisation in the weights.
        layout: The order of the input's dimensions: `[B, C, S, S]` or `[B, S, S, C]`.
        output: What is returned; a model that ends early returns its last value.
        k: The number of classes of `topk`.
        precision: The precision of the weights and the computation.
        batch: The batch size; None for a dynamic one. Both are from 1 to 1024.
        opset: The opset of ONNX; None for the newest one that the installed runtime
            supports.
        drop_unread: Whether only the tokens that the outputs depend on are computed;
            None means that they are.
        taps: Patterns of further outputs; None means those of the spec.
        until: The value that the model ends at.
        merge_tokens: The number of patches that merge in each block, or a number for
            each block; None means that of the spec.
    """

    input: InputKind = "float"
    layout: Layout = "nchw"
    output: OutputChoice = "logits"
    k: int = 5
    precision: Precision = "fp32"
    batch: int | None = None
    opset: int | None = None
    drop_unread: bool | None = None
    taps: tuple[str, ...] | None = None
    until: str | None = None
    merge_tokens: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is unknown or out of range.
        """
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                listed = ", ".join(choices)
                raise ValueError(f"{name} must be one of {listed}, not {value!r}")
        if self.k < 1:
            raise ValueError(f"k must be at least 1, not {self.k}")
        if self.batch is not None and not 1 <= self.batch <= LARGEST_BATCH:
            raise ValueError(
                f"batch must be from 1 to {LARGEST_BATCH}, not {self.batch}"
            )
        if self.opset is not None and self.opset not in OPSETS:
            raise ValueError(
                f"opset must be from {OPSETS[0]} to {OPSETS[-1]}, not {self.opset}"
            )

    def interface(self) -> ExportedInterface:
        """What a file takes and returns, with the patterns of its taps."""
        return ExportedInterface(
            input=self.input,
            layout=self.layout,
            output=self.output,
            k=self.k if self.output == "topk" else None,
            batch=self.batch,
            precision=self.precision,
            taps=self.taps or (),
            until=self.until,
        )
