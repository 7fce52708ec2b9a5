"""How checkpoints name their tensors: tables that are read both ways.

Our names are those of the original repository and of timm. OpenMMLab has other names,
and so has Hugging Face, since transformers 5 other names on disk than in memory.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Names: TypeAlias = dict[str, tuple[str, ...]]

_NUMBER = re.compile(r"(?<=\.)(?:0|[1-9][0-9]{0,5})(?=\.)")
HEADS = ("head.", "head_dist.")
NEEDED = ("patch_embed.proj.weight", "pos_embed")
"""A checkpoint with these may be a DeiT, whatever else it has."""

_DECODER = r"decoder_(?:embed|norm|pred)\..+|decoder_pos_embed|mask_token"
_PROJECTOR = r"projector|projection|proj(?:ector|ection)?_head|predictor|prototypes"
NO_EFFECT = re.compile(
    rf"""(?:.+\.)?total_(?:ops|params)      # counts of a profiler, thop
    | (?:{_PROJECTOR})\..+                # of a loss, in self-supervised training
    | (?:vit\.|deit\.)?                   # base models of transformers
    (?: pooler\.dense\.(?:weight|bias)     # transformers, after the class token
      | embeddings\.mask_token             # transformers, masked image modelling
      | decoder\.0\.(?:weight|bias)        # transformers and SimMIM
      | decoder_blocks\.\d+\..+ | {_DECODER}   # MAE, and next transformers'
      | decoder\.(?:decoder_(?:layers|encoder\.layer)\.\d+\..+|{_DECODER}) )
    """,
    re.VERBOSE | re.DOTALL,
)
"""The unknown tensors that may be dropped: the logits do not depend on them."""


@dataclass(frozen=True)
class NamingScheme:
    """One way to name the tensors of a DeiT.

    `theirs` has their names by ours. Where there are several of theirs, they are
    stacked to make ours; an empty name stands for zeros of the shape of the others.
    `{i}` stands for the number of a block.
    """

    name: str
    title: str
    theirs: Names

    @cached_property
    def ours(self) -> dict[str, tuple[str, int]]:
        """Our pattern and the index within it, by their pattern."""
        return {
            their: (our, part)
            for our, theirs in self.theirs.items()
            for part, their in enumerate(theirs)
            if their
        }

    @property
    def blocks(self) -> str:
        """What the names of all tensors of blocks start with."""
        return self.theirs[f"{_BLOCK}norm1.weight"][0].partition("{i}")[0]

    @property
    def is_hf(self) -> bool:
        """Whether these are names of transformers."""
        return self.name.startswith("hf-")

    def write(self, name: str) -> tuple[str, ...]:
        """Translate one of our names to theirs; empty if they have none."""
        pattern, number = pattern_of(name)
        theirs = self.theirs.get(pattern, ())
        return tuple(their.replace("{i}", number) for their in theirs)

    def read(self, name: str) -> tuple[str, int] | None:
        """Translate one of their names to ours, with the index; None if unknown."""
        pattern, number = pattern_of(name)
        found = self.ours.get(pattern)
        return found and (found[0].replace("{i}", number), found[1])


@dataclass(frozen=True)
class TensorNames:
    """The names of a checkpoint: theirs by ours, and those that are unknown."""

    scheme: NamingScheme
    theirs: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]


def recognise(names: Iterable[str]) -> TensorNames | None:
    """Find the scheme that matches the most names; None if they are not of a DeiT."""
    listed = list(names)
    best = max(SCHEMES, key=lambda scheme: sum(map(bool, map(scheme.read, listed))))
    read = {name: best.read(name) for name in listed}
    ours = {found[0] for found in read.values() if found}
    unknown = tuple(name for name in listed if not read[name])
    if not ours.issuperset(NEEDED) and 2 * len(unknown) >= len(listed):
        return None
    return TensorNames(best, {our: best.write(our) for our in sorted(ours)}, unknown)


def pattern_of(name: str) -> tuple[str, str]:
    """Replace the first number in a name by `{i}`, and return both."""
    found = _NUMBER.search(name)
    if found is None:
        return ("" if "{i}" in name else name), ""
    return f"{name[: found.start()]}{{i}}{name[found.end() :]}", found.group()


def _rows(
    pairs: Mapping[str, str],
    *,
    ours: str = "",
    theirs: str = "",
    ends: tuple[str, ...] = (".weight", ".bias"),
) -> Names:
    """Make entries of a scheme; several names of theirs are separated by spaces."""
    return {
        ours + our + end: tuple(theirs + each + end for each in names.split())
        for our, names in pairs.items()
        for end in ends
    }


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_BLOCK = "blocks.{i}."
_TABLES = _same("cls_token", "dist_token", "pos_embed")
_COMMON = {
    **_rows(_TABLES, ends=("",)),
    **_rows(_same("patch_embed.proj", "norm", "head", "head_dist")),
    **_rows(
        _same("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"),
        ours=_BLOCK,
        theirs=_BLOCK,
    ),
}


_SCALES = ("ls1.gamma", "ls2.gamma")


def _with_scales(name: str, title: str, *scales: str) -> NamingScheme:
    pairs = dict(zip(_SCALES, scales, strict=True))
    rows = _rows(pairs, ours=_BLOCK, theirs=_BLOCK, ends=("",))
    return NamingScheme(name, title, _COMMON | rows)


DEIT = _with_scales("deit", "names of DeiT, timm and deit-spec", *_SCALES)
DEIT3 = _with_scales("deit3", "names of DeiT III's repository", "gamma_1", "gamma_2")

_QV_BIAS = (f"{_BLOCK}attn.q_bias", "", f"{_BLOCK}attn.v_bias")
BEIT = NamingScheme(
    "beit",
    "names of BEiT's repository",
    {**DEIT3.theirs, f"{_BLOCK}attn.qkv.bias": _QV_BIAS},
)
"""The keys have no bias: that of all three is query's, zeros and value's."""

_BACKBONE = "backbone."
_LAYER = f"{_BACKBONE}layers.{{i}}."
_OPENMMLAB_LAYER = {
    "norm1": "ln1",
    "attn.qkv": "attn.qkv",
    "attn.proj": "attn.proj",
    "norm2": "ln2",
    "mlp.fc1": "ffn.layers.0.0",
    "mlp.fc2": "ffn.layers.1",
}
_OPENMMLAB_SCALES = ("attn.gamma1.weight", "ffn.gamma2.weight")
OPENMMLAB = NamingScheme(
    "openmmlab",
    "names of OpenMMLab's mmpretrain",
    {
        **_rows(_TABLES, theirs=_BACKBONE, ends=("",)),
        **_rows(
            {"patch_embed.proj": "patch_embed.projection", "norm": "ln1"},
            theirs=_BACKBONE,
        ),
        **_rows({"head": "head.layers.head", "head_dist": "head.layers.head_dist"}),
        **_rows(_OPENMMLAB_LAYER, ours=_BLOCK, theirs=_LAYER),
        **_rows(
            dict(zip(_SCALES, _OPENMMLAB_SCALES, strict=True)),
            ours=_BLOCK,
            theirs=_LAYER,
            ends=("",),
        ),
    },
)

_HF_TABLES = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "dist_token": "embeddings.distillation_token",
}
_HF_LAYERS = {
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "norm": "layernorm",
}
_HF_NORMS = {"norm1": "layernorm_before", "norm2": "layernorm_after"}
_QKV = "attention.attention.query attention.attention.key attention.attention.value"
_HF_ON_DISK = {
    **_HF_NORMS,
    "attn.qkv": _QKV,
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_HF_IN_MEMORY = {
    **_HF_NORMS,
    "attn.qkv": "attention.q_proj attention.k_proj attention.v_proj",
    "attn.proj": "attention.o_proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
_HF_CLASSES: dict[str, tuple[str, dict[str, str]]] = {
    "ViTForImageClassification": ("vit.", {"head": "classifier"}),
    "ViTModel": ("", {}),
    "DeiTForImageClassificationWithTeacher": (
        "deit.",
        {"head": "cls_classifier", "head_dist": "distillation_classifier"},
    ),
    "DeiTForImageClassification": ("deit.", {"head": "classifier"}),
    "DeiTModel": ("", {}),
}
"""The prefix of the base model and the heads of each class of transformers."""


def _hf(name: str, *, on_disk: bool) -> NamingScheme:
    prefix, heads = _HF_CLASSES[name]
    tables = dict(_HF_TABLES)
    if name.startswith("ViT"):
        del tables["dist_token"]
    block = "encoder.layer.{i}." if on_disk else "layers.{i}."
    layers = _HF_ON_DISK if on_disk else _HF_IN_MEMORY
    rows = {
        **_rows(tables, theirs=prefix, ends=("",)),
        **_rows(heads),
        **_rows(_HF_LAYERS, theirs=prefix),
        **_rows(layers, ours=_BLOCK, theirs=prefix + block),
    }
    where = "on disk" if on_disk else "in memory"
    short = f"hf-{name}" if on_disk else f"hf-{name}-in-memory"
    return NamingScheme(short, f"names of transformers' {name}, {where}", rows)


HF = {name: _hf(name, on_disk=True) for name in _HF_CLASSES}
"""The naming schemes of files of transformers, by the class that reads them."""

SCHEMES = (
    DEIT,
    DEIT3,
    BEIT,
    OPENMMLAB,
    *HF.values(),
    *(_hf(name, on_disk=False) for name in _HF_CLASSES),
)
