"""Naming schemes translate both ways and know timm's and transformers' names."""

import pytest
from peers import import_timm, import_transformers
from safetensors import safe_open
from support.checkpoints import DEIT3, DISTILLED, PLAIN, state_of

from deit_spec.weights.naming_schemes import (
    DEIT,
    HF,
    SCHEMES,
    NamingScheme,
    recognise,
)
from deit_spec.weights.naming_schemes import (
    DEIT3 as DEIT3_NAMES,
)

SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 48,
    "image_size": 32,
    "patch_size": 8,
    "num_labels": 5,
}


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_every_row_is_read_as_it_is_written(scheme: NamingScheme) -> None:
    for pattern in scheme.theirs:
        name = pattern.replace("{i}", "11")
        theirs = scheme.write(name)
        assert theirs is not None
        parts = [part for part, their in enumerate(theirs) if their]
        assert parts
        for part in parts:
            assert scheme.read(theirs[part]) == (name, part)
    written = [their for theirs in scheme.theirs.values() for their in theirs if their]
    assert len(scheme.ours) == len(written)


@pytest.mark.parametrize(
    "name",
    ["", "{i}", "blocks.{i}.norm1.weight", "blocks.01.norm1.weight", "blocks.1.norm1",
     "blocks.-1.norm1.weight", "blocks.1234567.norm1.weight", "Cls_token"],
)  # fmt: skip
def test_invalid_names(name: str) -> None:
    assert all(scheme.read(name) is None for scheme in SCHEMES)


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("DeiTForImageClassificationWithTeacher", 0),
        ("DeiTForImageClassification", 0),
        ("DeiTModel", 2),
        ("ViTForImageClassification", 0),
        ("ViTModel", 2),
    ],
)
@pytest.mark.parametrize("where", ["on disk", "in memory"])
def test_transformers_names_are_known(
    name: str, unknown: int, where: str, tmp_path: object
) -> None:
    """All but the pooler's, in the order query, key, value."""
    transformers = import_transformers()
    kind = getattr(transformers, name)
    model = kind(kind.config_class(**SIZES))
    names = list(model.state_dict())
    if where == "on disk":
        model.save_pretrained(tmp_path)
        with safe_open(f"{tmp_path}/model.safetensors", "pt") as file:
            names = list(file.keys())
    found = recognise(names)
    assert found is not None
    suffix = "-in-memory" if where == "in memory" else ""
    assert found.scheme.name == f"hf-{name}{suffix}"
    assert len(found.unknown) == unknown
    assert all("pooler" in each for each in found.unknown)
    theirs = found.theirs["blocks.1.attn.qkv.weight"]
    assert [their.split(".")[-2][0] for their in theirs] == ["q", "k", "v"]
    spec = DISTILLED if name.startswith("DeiT") else PLAIN
    heads = {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"}
    assert found.theirs.keys() - heads == state_of(spec).keys() - heads


@pytest.mark.parametrize("name", HF)
def test_what_we_write_is_on_disk(name: str) -> None:
    assert HF[name].name == f"hf-{name}"


@pytest.mark.parametrize(
    "name",
    [
        "deit_tiny_patch16_224",
        "deit_tiny_distilled_patch16_224",
        "deit3_small_patch16_224",
    ],
)
def test_timms_names_are_ours(name: str) -> None:
    state = import_timm().create_model(name, pretrained=False).state_dict()
    found = recognise(state)
    assert found is not None
    assert found.scheme is DEIT
    assert not found.unknown
    assert {our: (our,) for our in state} == dict(found.theirs)


def test_deit3s_repository() -> None:
    names = [
        name.replace("ls1.gamma", "gamma_1").replace("ls2.gamma", "gamma_2")
        for name in state_of(DEIT3)
    ]
    found = recognise(names)
    assert found is not None
    assert found.scheme is DEIT3_NAMES
    assert not found.unknown


@pytest.mark.parametrize("names", [[], ["a"], ["fc.weight", "pos_embed"]])
def test_no_naming_scheme(names: list[str]) -> None:
    assert recognise(names) is None
