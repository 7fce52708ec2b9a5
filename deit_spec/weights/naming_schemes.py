"""What checkpoints call their tensors, as tables that read both ways.

Ours are the names of the original repository, which timm has too. Hugging Face has
other names, and on disk others than in memory since transformers 5; a class with
heads puts its base model's name before those of the base model.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Row: TypeAlias = tuple[str, tuple[str, ...]]

_NUMBER = re.compile(r"(?<=\.)(?:0|[1-9][0-9]{0,5})(?=\.)")
SUFFIXES = (".weight", ".bias")
NEEDED = ("patch_embed.proj.weight", "pos_embed")
"""What has these may be a DeiT, whatever else it has."""


@dataclass(frozen=True)
class Dialect:
    """One way to name the tensors; several of theirs are rows of one of ours."""

    name: str
    title: str
    rows: tuple[Row, ...]

    @cached_property
    def theirs(self) -> dict[str, tuple[str, ...]]:
        """Our pattern to their patterns."""
        return dict(self.rows)

    @cached_property
    def ours(self) -> dict[str, tuple[str, int]]:
        """Their pattern to ours, and which part of it it is."""
        return {
            their: (our, part)
            for our, theirs in self.rows
            for part, their in enumerate(theirs)
        }

    @property
    def is_hf(self) -> bool:
        """Whether these are names of Hugging Face."""
        return self.name.startswith("hf-")

    def write(self, name: str) -> tuple[str, ...] | None:
        """Their names for one of ours, None where there is none."""
        pattern, number = _pattern(name)
        theirs = self.theirs.get(pattern)
        return theirs and tuple(their.replace("{i}", number) for their in theirs)

    def read(self, name: str) -> tuple[str, int] | None:
        """Our name for one of theirs, and which part; None where there is none."""
        pattern, number = _pattern(name)
        found = self.ours.get(pattern)
        return found and (found[0].replace("{i}", number), found[1])


@dataclass(frozen=True)
class Names:
    """A checkpoint's names, in ours: one or more of theirs for each."""

    dialect: Dialect
    theirs: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]


def recognise(names: Iterable[str]) -> Names | None:
    """Find the dialect that knows the most of the names.

    It must know the most of them, or those without which there is no DeiT.
    """
    given = list(names)
    best = max(
        DIALECTS, key=lambda dialect: sum(bool(dialect.read(name)) for name in given)
    )
    read = {name: best.read(name) for name in given}
    ours = {found[0] for found in read.values() if found}
    known = sum(bool(found) for found in read.values())
    if not ours.issuperset(NEEDED) and 2 * known <= len(given):
        return None
    theirs = {our: best.write(our) or () for our in sorted(ours)}
    return Names(best, theirs, tuple(name for name in given if not read[name]))


def _pattern(name: str) -> tuple[str, str]:
    """A name with `{i}` for its first number, and the number."""
    found = _NUMBER.search(name)
    if found is None:
        return ("" if "{i}" in name else name), ""
    return f"{name[: found.start()]}{{i}}{name[found.end() :]}", found.group()


def _layers(*pairs: tuple[str, str | tuple[str, ...]]) -> tuple[Row, ...]:
    """Rows for the weight and the bias of each layer."""
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

DEIT = Dialect(
    "deit",
    "names of DeiT, timm and deit-spec",
    _COMMON + _same(*(ours for ours, _ in _SCALES)),
)
DEIT3 = Dialect(
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
) -> Dialect:
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
    return Dialect(short, title, tables + _layers(*layers))


HF = {
    name: _hf(name, before, heads, "encoder.layer")
    for name, before, heads in _HF_CLASSES
}
"""The dialects that Hugging Face files are written in, by the class that reads them."""

DIALECTS = (
    DEIT,
    DEIT3,
    *HF.values(),
    *(_hf(name, before, heads, "layers") for name, before, heads in _HF_CLASSES),
)
