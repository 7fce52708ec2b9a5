"""How checkpoints name their tensors: tables that are read both ways.

Our names are those of the original repository and of timm. Hugging Face has other
names, and since transformers 5 other names on disk than in memory. Its classes with
heads prefix the tensors of the base model.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Row: TypeAlias = tuple[str, tuple[str, ...]]

_NUMBER = re.compile(r"(?<=\.)(?:0|[1-9][0-9]{0,5})(?=\.)")
SUFFIXES = (".weight", ".bias")
HEADS = ("head.", "head_dist.")
NEEDED = ("patch_embed.proj.weight", "pos_embed")
"""A checkpoint with these may be a DeiT, whatever else it has."""


_DECODER = r"decoder_(?:embed|norm|pred)\..+|decoder_pos_embed|mask_token"
_NO_EFFECT = re.compile(
    rf"""(?:vit\.|deit\.)?                   # base models of transformers
    (?: pooler\.dense\.(?:weight|bias)     # transformers, after the class token
      | embeddings\.mask_token             # transformers, masked image modelling
      | decoder\.0\.(?:weight|bias)        # transformers and SimMIM
      | decoder_blocks\.\d+\..+ | {_DECODER}               # MAE
      | decoder\.(?:decoder_layers\.\d+\..+|{_DECODER}) )  # MAE of transformers
    """,
    re.VERBOSE | re.DOTALL,
)
"""Tensors of other models that are not used between the image and the logits."""

_EFFECT = re.compile(
    r"(?:.+\.)?(?:blocks|layers?)\.\d+\."
    r"|(?:reg_token|norm_pre|fc_norm|attn_pool|pre_logits)(?:\.|$)"
    r"|(?:.+\.)?register_tokens$",
    re.DOTALL,
)
"""Tensors of other vision transformers, mostly of timm, that affect the output."""


@dataclass(frozen=True)
class NamingScheme:
    """One way to name the tensors of a DeiT.

    Each row has our name and their names. Where there are several of theirs, they are
    stacked to make ours. `{i}` stands for the number of a block.
    """

    name: str
    title: str
    rows: tuple[Row, ...]

    @cached_property
    def theirs(self) -> dict[str, tuple[str, ...]]:
        """Their patterns, by ours."""
        return dict(self.rows)

    @cached_property
    def ours(self) -> dict[str, tuple[str, int]]:
        """Our pattern and the index within it, by their pattern."""
        return {
            their: (our, part)
            for our, theirs in self.rows
            for part, their in enumerate(theirs)
        }

    @property
    def is_hf(self) -> bool:
        """Whether these are names of transformers."""
        return self.name.startswith("hf-")

    def write(self, name: str) -> tuple[str, ...] | None:
        """Translate one of our names to theirs; None if they have none."""
        pattern, number = _pattern(name)
        theirs = self.theirs.get(pattern)
        return theirs and tuple(their.replace("{i}", number) for their in theirs)

    def read(self, name: str) -> tuple[str, int] | None:
        """Translate one of their names to ours, with the index; None if unknown."""
        pattern, number = _pattern(name)
        found = self.ours.get(pattern)
        return found and (found[0].replace("{i}", number), found[1])


@dataclass(frozen=True)
class TensorNames:
    """The names of a checkpoint: theirs by ours, and those that are unknown."""

    scheme: NamingScheme
    theirs: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]


def recognise(names: Iterable[str]) -> TensorNames | None:
    """Find the naming scheme that matches the most names.

    None if it matches neither most of them nor those that every DeiT has.
    """
    listed = list(names)
    best = max(
        SCHEMES, key=lambda scheme: sum(bool(scheme.read(name)) for name in listed)
    )
    read = {name: best.read(name) for name in listed}
    ours = {found[0] for found in read.values() if found}
    known = sum(bool(found) for found in read.values())
    if not ours.issuperset(NEEDED) and 2 * known <= len(listed):
        return None
    theirs = {our: best.write(our) or () for our in sorted(ours)}
    return TensorNames(best, theirs, tuple(name for name in listed if not read[name]))


def has_no_effect(name: str) -> bool:
    """Whether an unknown tensor is known to have no effect on the output.

    Only such a tensor may be dropped.
    """
    return _NO_EFFECT.fullmatch(name) is not None


def has_effect(name: str) -> bool:
    """Whether an unknown tensor is known to have an effect on the output."""
    return _EFFECT.match(name) is not None


def _pattern(name: str) -> tuple[str, str]:
    """Replace the first number in a name by `{i}`, and return both."""
    found = _NUMBER.search(name)
    if found is None:
        return ("" if "{i}" in name else name), ""
    return f"{name[: found.start()]}{{i}}{name[found.end() :]}", found.group()


def _layers(*pairs: tuple[str, str | tuple[str, ...]]) -> tuple[Row, ...]:
    """Make the rows for the weight and the bias of each layer."""
    rows = []
    for our, their in pairs:
        theirs = (their,) if isinstance(their, str) else their
        rows += [(our + end, tuple(t + end for t in theirs)) for end in SUFFIXES]
    return tuple(rows)


def _same(*names: str) -> tuple[Row, ...]:
    return tuple((name, (name,)) for name in names)


_TABLES = ("cls_token", "dist_token", "pos_embed")
_LAYERS = ("patch_embed.proj", "norm", "head", "head_dist")
_IN_BLOCK = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
_SCALES = tuple(
    (f"blocks.{{i}}.ls{n}.gamma", f"blocks.{{i}}.gamma_{n}") for n in (1, 2)
)

_COMMON = _same(*_TABLES) + _layers(
    *((layer, layer) for layer in _LAYERS),
    *((f"blocks.{{i}}.{layer}", f"blocks.{{i}}.{layer}") for layer in _IN_BLOCK),
)

DEIT = NamingScheme(
    "deit",
    "names of DeiT, timm and deit-spec",
    _COMMON + _same(*(ours for ours, _ in _SCALES)),
)
DEIT3 = NamingScheme(
    "deit3",
    "names of DeiT III's repository",
    _COMMON + tuple((ours, (theirs,)) for ours, theirs in _SCALES),
)

_HF_TABLES = (
    ("cls_token", "embeddings.cls_token"),
    ("dist_token", "embeddings.distillation_token"),
    ("pos_embed", "embeddings.position_embeddings"),
)
_HF_LAYERS = (
    ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
    ("norm", "layernorm"),
)
_HF_NORMS = (("norm1", "layernorm_before"), ("norm2", "layernorm_after"))
_HF_BLOCKS: dict[str, tuple[tuple[str, str | tuple[str, ...]], ...]] = {
    "encoder.layer": (
        *_HF_NORMS,
        (
            "attn.qkv",
            tuple(f"attention.attention.{x}" for x in ("query", "key", "value")),
        ),
        ("attn.proj", "attention.output.dense"),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
    ),
    "layers": (
        *_HF_NORMS,
        ("attn.qkv", tuple(f"attention.{x}_proj" for x in "qkv")),
        ("attn.proj", "attention.o_proj"),
        ("mlp.fc1", "mlp.fc1"),
        ("mlp.fc2", "mlp.fc2"),
    ),
}
_HF_CLASSES = (
    ("ViTForImageClassification", "vit.", (("head", "classifier"),)),
    ("ViTModel", "", ()),
    (
        "DeiTForImageClassificationWithTeacher",
        "deit.",
        (("head", "cls_classifier"), ("head_dist", "distillation_classifier")),
    ),
    ("DeiTForImageClassification", "deit.", (("head", "classifier"),)),
    ("DeiTModel", "", ()),
)


def _hf(
    name: str, before: str, heads: tuple[tuple[str, str], ...], blocks: str
) -> NamingScheme:
    layers: list[tuple[str, str | tuple[str, ...]]] = [*heads]
    layers += [(our, before + their) for our, their in _HF_LAYERS]
    for our, their in _HF_BLOCKS[blocks]:
        parts = (their,) if isinstance(their, str) else their
        full = tuple(f"{before}{blocks}.{{i}}.{part}" for part in parts)
        layers.append((f"blocks.{{i}}.{our}", full))
    tables = tuple(
        (our, (before + their,))
        for our, their in _HF_TABLES
        if our != "dist_token" or name.startswith("DeiT")
    )
    where = "on disk" if blocks == "encoder.layer" else "in memory"
    short = f"hf-{name}" if where == "on disk" else f"hf-{name}-in-memory"
    title = f"names of transformers' {name}, {where}"
    return NamingScheme(short, title, tables + _layers(*layers))


HF = {
    name: _hf(name, before, heads, "encoder.layer")
    for name, before, heads in _HF_CLASSES
}
"""The naming schemes of files of transformers, by the class that reads them."""

SCHEMES = (
    DEIT,
    DEIT3,
    *HF.values(),
    *(_hf(name, before, heads, "layers") for name, before, heads in _HF_CLASSES),
)
