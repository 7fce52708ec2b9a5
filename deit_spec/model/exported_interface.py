"""The input and the outputs of an exported file, as its metadata describes them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from deit_spec.model.preprocessing import reason_of
from deit_spec.passes import PassOptions

INTERFACE: Final = "deit_spec.interface"
"""The key of the interface in the metadata of a file."""
YAML: Final = "deit_spec.yaml"
"""The key of the spec as YAML."""
WEIGHTS_DIGEST: Final = "deit_spec.weights_digest"
"""The key of the SHA-256 of the weights that were exported."""
TORCH: Final = "deit_spec.torch"
"""The key of the version of torch that exported the file."""
PREFIX: Final = "deit_spec."
"""What the keys of all our metadata begin with."""
METADATA_DIGEST: Final = "deit_spec.metadata_digest"
"""The key of what `metadata_digest` returns for the other keys."""
INPUT: Final = "images"
"""The name of the input."""
TOPK_PROBABILITIES: Final = "probabilities"
TOPK_CLASSES: Final = "classes"
"""The names of the outputs of `topk`, both `[B, k]`; other outputs have their kind."""

InputKind: TypeAlias = Literal["float", "uint8"]
Layout: TypeAlias = Literal["nchw", "nhwc"]
OutputKind: TypeAlias = Literal["logits", "probabilities", "topk", "features"]
Precision: TypeAlias = Literal["fp32", "bf16", "int8"]


@dataclass(frozen=True)
class ExportedInterface:
    """What an exported file takes and returns.

    Attributes:
        input: `float`: normalised images in float32. `uint8`: pixels from 0 to 255.
        layout: The order of the input's dimensions: `[B, C, S, S]` or `[B, S, S, C]`.
        output: What it returns first. `probabilities` and `topk` are after softmax;
            `features` are those of a model without class heads.
        k: The number of classes of `topk`; None for other outputs.
        batch: The fixed batch size, or None if it is dynamic.
        precision: The precision that it was exported in.
        taps: The names of further outputs.
        until: The value that `features` are, if the model ends early.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    input: InputKind = "float"
    layout: Layout = "nchw"
    output: OutputKind = "logits"
    k: Annotated[int, Field(gt=0)] | None = None
    batch: Annotated[int, Field(gt=0)] | None = None
    precision: Precision = "fp32"
    taps: tuple[str, ...] = ()
    until: str | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of all outputs, in their order."""
        first: tuple[str, ...] = (self.output,)
        if self.output == "topk":
            first = (TOPK_PROBABILITIES, TOPK_CLASSES)
        return (*first, *self.taps)

    def pass_options(self) -> PassOptions:
        """The options of the passes that make the graph of the file."""
        return PassOptions(
            taps=self.taps,
            until=self.until,
            pixels=self.input == "uint8",
            channels_last=self.layout == "nhwc",
            prediction=None if self.output == "features" else self.output,
            k=self.k or 1,
            drop_weights=True,
        )

    def image_shape(self, size: int, channels: int) -> tuple[int, int, int]:
        """The shape of one image of the input."""
        if self.layout == "nhwc":
            return (size, size, channels)
        return (channels, size, size)

    def describe_input(self, size: int, channels: int) -> str:
        """The type and the shape of the input.

        >>> ExportedInterface("uint8", "nhwc").describe_input(224, 3)
        'uint8 [B, 224, 224, 3]'
        """
        kind = "uint8" if self.input == "uint8" else "float32"
        shape = (self.batch or "B", *self.image_shape(size, channels))
        return f"{kind} [{', '.join(map(str, shape))}]"

    def to_json(self) -> str:
        """Write the interface as a JSON object, on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "ExportedInterface":
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is something else; the text says what.
        """
        try:
            return _SCHEMA.validate_json(text)
        except ValidationError as error:
            raise ValueError(reason_of(error)) from None


_SCHEMA = TypeAdapter(ExportedInterface)


def metadata_digest(metadata: Mapping[str, str]) -> str:
    """The SHA-256 of our metadata, by which an edited value is found.

    Keys of other programs and `METADATA_DIGEST` itself are left out.
    """
    own = {
        key: value
        for key, value in metadata.items()
        if key.startswith(PREFIX) and key != METADATA_DIGEST
    }
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()
