"""Strategies for valid specs that are small enough to build and run."""

from typing import Any

from hypothesis import strategies as st

from deit_spec import DeiTSpec, Variant

RATES = st.sampled_from([0.0, 0.1, 0.5])


@st.composite
def variants(draw: st.DrawFn, classes: int | None, teacher: int | None) -> Variant:
    """A valid variant for these class counts."""
    token = teacher is not None or draw(st.booleans())
    unequal = None not in (classes, teacher) and classes != teacher
    fusions = (
        [None, "cls", "dist"]
        if unequal
        else [None, "mean_logits", "mean_softmax", "cls", "dist"]
    )
    return Variant(
        distillation_token=token,
        position_embedding=draw(st.sampled_from(["all", "patches"])),
        layer_scale=draw(st.sampled_from([None, 1e-5, 0.5])),
        drop_path=draw(st.sampled_from([0.0, 0.1, 0.37])),
        qkv_bias=draw(st.booleans()),
        layer_norm_eps=draw(st.sampled_from([1e-6, 1e-12, 1e-3])),
        readout=draw(st.sampled_from(["cls", "mean_tokens"] if token else ["cls"])),
        init=draw(st.sampled_from(["deit", "fan_in"])),
        fusion=draw(st.sampled_from(fusions)),
    )


TAPS = (
    "blocks.*",
    "blocks.0",
    "blocks.*.patches",
    "blocks.*.attn.weights",
    "blocks.0.attn.weights.cls",
    "blocks.*.attn.weights.cls",
    "blocks.*.attn.q",
    "blocks.*.attn.qkv",
    "blocks.*.mlp",
    "blocks.*.mlp.drop2",
    "blocks.0.norm1.patches",
    "patch_embed.*",
    "pos_*",
    "norm",
    "norm.patches",
    "cls_token",
)
"""Patterns that each fit some value of any spec that does not merge tokens."""

GRIDS = frozenset({"blocks.*.patches", "norm.patches"})
"""Those that may fit none if tokens merge."""


def options() -> st.SearchStrategy[dict[str, Any]]:
    """The options of `compile`: with some taps, or with an end."""
    plain = {
        "target": st.sampled_from(["train", "inference"]),
        "drop_unread": st.booleans(),
    }
    taps = st.lists(st.sampled_from(TAPS), max_size=3)
    ends = st.sampled_from(["blocks.0", "blocks.0.attn.weights", "norm.patches"])
    end = {"until": ends, "taps": st.sampled_from([(), ("pos_*", "blocks.*.norm1")])}
    return st.fixed_dictionaries({**plain, "taps": taps}) | st.fixed_dictionaries(
        {**plain, **end}
    )


@st.composite
def specs(draw: st.DrawFn) -> DeiTSpec:
    """A valid spec with a model of a few thousand parameters."""
    patch = draw(st.integers(1, 4))
    heads = draw(st.integers(1, 4))
    width = heads * draw(st.integers(1, 6))
    classes = draw(st.none() | st.integers(1, 5))
    teacher = draw(st.none() | st.integers(1, 5))
    hidden = draw(st.integers(1, 24))
    ratio = draw(st.sampled_from([hidden / width, 4.0, 1.0, 2.3]))
    values: dict[str, Any] = {
        "image_size": patch * draw(st.integers(1, 4)),
        "patch_size": patch,
        "in_channels": draw(st.integers(1, 4)),
        "embed_dim": width,
        "depth": draw(st.integers(1, 4)),
        "num_heads": heads,
        "mlp_ratio": ratio if int(width * ratio) else 1.0,
        "dropout": draw(RATES),
        "num_classes": classes,
        "teacher_num_classes": teacher,
        "variant": draw(variants(classes, teacher)),
        "name": draw(st.sampled_from(["deit", "a.b-c", "été", "x" * 60])),
    }
    return DeiTSpec(**values)


def merging(spec: DeiTSpec, merged: object) -> DeiTSpec:
    """A spec with another number of tokens to merge."""
    variant = spec.variant.model_dump() | {"merge_tokens": merged}
    return spec.model_copy(update={"variant": Variant(**variant)})


@st.composite
def merging_specs(draw: st.DrawFn) -> DeiTSpec:
    """A valid spec that may merge tokens."""
    spec = draw(specs())
    most = st.integers(0, spec.num_patches - 1)
    lists = st.lists(most, min_size=spec.depth, max_size=spec.depth)
    return merging(spec, draw(most | lists))


def has_ties(spec: DeiTSpec) -> bool:
    """Whether tokens are equally similar, so that rounding decides which merge.

    Keys of one channel have a cosine of ±1, and so have norms of two channels.
    """
    return spec.merges_tokens and (spec.embed_dim <= 2 or spec.head_dim == 1)
