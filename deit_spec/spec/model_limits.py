"""The largest model that a spec may describe: limits of reading, in one place.

Each is well above any model that was ever trained, and low enough that one file,
whatever it says, takes less than a second and a few hundred megabytes. The compiler
itself has no limit: it takes any `DeiTSpec` that is handed to it as checked.
docs/limits.md lists these and those of the text.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.spec.field_spans import FieldSpans
from deit_spec.spec.nearest import listed
from deit_spec.spec.schema import DeiTSpec

LARGEST: Final[Mapping[str, int]] = {
    "image_size": 65_536,
    "patch_size": 65_536,
    "in_channels": 65_536,
    "embed_dim": 1_048_576,
    "depth": 512,
    "num_heads": 1_048_576,
    "mlp_ratio": 1_024,
    "num_classes": 1_000_000_000,
    "teacher_num_classes": 1_000_000_000,
}
"""By field. The graph has some twenty layers a block, so `depth` bounds its size."""

PARAMETERS: Final = 10**12
"""Learnable numbers of a model: four terabytes in float32."""

_STEPS: Final = (
    ("depth", None),
    ("embed_dim", "num_heads"),
    ("num_classes", None),
    ("teacher_num_classes", None),
    ("image_size", "patch_size"),
    ("in_channels", None),
)
"""The fields that can make a model smaller, with what each is a multiple of."""


def find_excess(
    spec: DeiTSpec, spans: FieldSpans, invalid: set[str]
) -> dict[str, Diagnostic]:
    """DS212, by field: sizes far above any model are refused at once."""
    found: dict[str, Diagnostic] = {}
    for field, largest in LARGEST.items():
        value = getattr(spec, field)
        if field in invalid or value is None or value <= largest:
            continue
        found[field] = diagnose(
            "DS212",
            f"{field} is above the limit of {largest:,}",
            Label(spans.value(field), f"at most {largest:,}"),
            helps=[f"`{field}: {largest}` or less"],
        )
    return found


def find_oversize(spec: DeiTSpec, spans: FieldSpans) -> Iterator[Diagnostic]:
    """DS212: sizes that are fine alone and make too large a model together.

    All the fields are valid, and none passes its own limit.
    """
    count = count_parameters(spec)
    if count <= PARAMETERS:
        return
    smaller = list(_smaller(spec))
    about = spans.about(
        *(
            (field, f"at most {value}", getattr(spec, field))
            for field, value in smaller or _both(spec)
        )
    )
    yield diagnose(
        "DS212",
        f"the model has {count:,} parameters, above the limit of {PARAMETERS:,}",
        about.primary,
        secondary=about.secondary,
        helps=[_words(smaller) if smaller else _words_of_both(_both(spec))],
    )


def count_parameters(spec: DeiTSpec) -> int:
    """Count the learnable numbers of a model from its spec, before there is a graph."""
    variant, width, hidden = spec.variant, spec.embed_dim, spec.mlp_dim
    norm = 2 * width
    attention = 4 * width * width + width + 3 * width * variant.qkv_bias
    mlp = 2 * width * hidden + hidden + width
    scales = 2 * width * (variant.layer_scale is not None)
    block = 2 * norm + attention + mlp + scales
    patch = width * spec.in_channels * spec.patch_size**2 + width
    with_tokens = variant.position_embedding == "all"
    rows = spec.num_prefix_tokens + (
        spec.num_tokens if with_tokens else spec.num_patches
    )
    classes = spec.num_classes or 0
    teacher = spec.teacher_num_classes or 0 if classes else 0
    heads = (classes + teacher) * (width + 1)
    return patch + rows * width + spec.depth * block + norm + heads


def _smaller(spec: DeiTSpec) -> Iterator[tuple[str, int]]:
    """The largest value of each field that alone makes the model small enough."""
    for field, multiple in _STEPS:
        step = getattr(spec, multiple) if multiple else 1
        most = (getattr(spec, field) or 0) // step

        def size(times: int, field: str = field, step: int = step) -> int:
            return count_parameters(spec.model_copy(update={field: times * step}))

        times = bisect_right(range(1, most + 1), PARAMETERS, key=size)
        if times:
            yield field, times * step


def _words(smaller: Sequence[tuple[str, int]]) -> str:
    return f"{listed([f'`{field}: {value}`' for field, value in smaller])} or less"


def _both(spec: DeiTSpec) -> list[tuple[str, int]]:
    """Where there are as many heads as channels, fewer of one need fewer of both."""

    def size(width: int) -> int:
        fewer = {"embed_dim": width, "num_heads": width}
        return count_parameters(spec.model_copy(update=fewer))

    width = bisect_right(range(1, spec.num_heads + 1), PARAMETERS, key=size)
    return [("num_heads", width), ("embed_dim", width)]


def _words_of_both(both: Sequence[tuple[str, int]]) -> str:
    (first, value), (second, _) = both
    return f"`{first}: {value}` with `{second}: {value}`, or less of both"
