"""The config beside weights counts: what it says fits, or is reported."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peers import import_timm, import_transformers
from support.checkpoints import (
    DISTILLED,
    PLAIN,
    changed,
    codes,
    planned,
    save,
    state_of,
)
from torch import nn

import deit_spec
from deit_spec.weights import (
    Checkpoint,
    Plan,
    WeightsError,
    inspect,
    make_plan,
    open_checkpoint,
)
from deit_spec.weights.convert_checkpoint import rename
from deit_spec.weights.model_config import HF_KEYS, TIMM_DEFAULTS, TIMM_KEYS
from deit_spec.weights.naming_schemes import HF

SIZES: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 96,
    "image_size": 32,
    "patch_size": 8,
}
TIMM: dict[str, Any] = {
    "img_size": 32,
    "patch_size": 8,
    "embed_dim": 24,
    "depth": 2,
    "num_heads": 3,
    "num_classes": 5,
}
VIT = dict(rename(HF["ViTForImageClassification"], state_of(PLAIN)))


def scatter(model: nn.Module) -> Any:
    """Make every tensor of a model matter."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model.eval()


def plan_of(path: Path, spec: Any, **options: Any) -> Plan:
    return make_plan(deit_spec.lower(spec), open_checkpoint(path, **options))


def loaded(path: Path, **options: Any) -> nn.Module:
    """The model of the spec that is inferred for a checkpoint."""
    found = inspect(open_checkpoint(path)).values
    return deit_spec.load(found, weights=path, **options).eval()


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        (
            {"hidden_size": 48},
            "DS429",
            "hidden_size is 48 in the config, and embed_dim is 24 in the weights",
        ),
        (
            {"num_hidden_layers": 12},
            "DS429",
            "num_hidden_layers is 12 in the config, and depth is 2 in the weights",
        ),
        (
            {"intermediate_size": 48},
            "DS429",
            "intermediate_size is 48 in the config, and mlp_dim is 96 in the weights",
        ),
        (
            {"image_size": 64},
            "DS429",
            "image_size is 64 in the config and 32 in the weights",
        ),
        (
            {"image_size": [64, 64]},
            "DS429",
            "image_size is [64, 64] in the config and 32 in the weights",
        ),
        (
            {"image_size": [16, 64]},
            "DS430",
            "image_size is [16, 64] in the config, and a spec has square images",
        ),
        (
            {"patch_size": [4, 16]},
            "DS430",
            "patch_size is [4, 16] in the config, and a spec has square patches",
        ),
        (
            {"patch_size": 16},
            "DS429",
            "patch_size is 16 in the config and 8 in the weights",
        ),
        (
            {"qkv_bias": False},
            "DS429",
            "qkv_bias is false in the config and true in the weights",
        ),
        (
            {"num_channels": 1},
            "DS429",
            "num_channels is 1 in the config, and in_channels is 3 in the weights",
        ),
        (
            {"id2label": {"0": "cat", "1": "dog"}},
            "DS429",
            "num_labels is 2 in the config, and num_classes is 5 in the weights",
        ),
        (
            {"hidden_act": "quick_gelu"},
            "DS415",
            'the activation is "quick_gelu" in the config, not gelu',
        ),
        (
            {"num_attention_heads": 6},
            "DS415",
            "num_heads is 6 in the config and 3 in the spec",
        ),
        (
            {"model_type": "audio-spectrogram-transformer"},
            "DS430",
            (
                'model_type is "audio-spectrogram-transformer" in the config, '
                "which is neither a DeiT nor a ViT"
            ),
        ),
    ],
)
def test_a_config_of_transformers_that_contradicts(
    values: dict[str, Any], code: str, message: str
) -> None:
    """Each value alone is refused, and without it all is taken."""
    config = {"model_type": "vit", **SIZES, "hidden_act": "gelu", "qkv_bias": True}
    assert not planned(PLAIN, VIT, config=config).diagnostics
    plan = planned(PLAIN, VIT, config=config | values)
    (found,) = plan.diagnostics
    assert (found.code, found.message) == (code, message)
    assert not plan.reconciles


@pytest.mark.parametrize(
    "config",
    [
        {**SIZES, "image_size": [32, 32], "patch_size": [8, 8]},
        {"hidden_act": "gelu_python", "id2label": {str(i): f"{i}" for i in range(5)}},
        {"model_type": "vit_msn", "num_labels": 5},
    ],
)
def test_a_config_that_says_the_same_in_other_words(config: dict[str, Any]) -> None:
    assert not planned(PLAIN, VIT, config=config).diagnostics


@pytest.mark.parametrize("value", [None, "32", [], [32], {}, 1e308, 10**400, -1])
@pytest.mark.parametrize("key", ["image_size", "hidden_size", "id2label", "mlp_ratio"])
def test_values_that_no_library_writes(key: str, value: Any) -> None:
    """They are contradictions, and no exception."""
    own = {"architecture": "vit_x", "model_args": {key: value}}
    for state, config in ((VIT, {key: value}), (state_of(PLAIN), own)):
        found = planned(PLAIN, state, config=config).diagnostics
        assert {each.code for each in found} <= {"DS429", "DS430"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("model_type", *HF_KEYS)), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(("id2label", "encoder", *HF_KEYS)), JSON),
    st.dictionaries(st.sampled_from((*TIMM_KEYS, *TIMM_DEFAULTS, "x", "x_rate")), JSON),
    JSON,
)
def test_any_json_is_read(hf: Any, arguments: Any, other: Any) -> None:
    """Whatever the values are, what is found is a finding."""
    graph = deit_spec.lower(PLAIN)
    for state, config in (
        (VIT, hf),
        (VIT, {"model_type": other, **hf}),
        (state_of(PLAIN), {"architecture": other, "model_args": arguments}),
        (state_of(PLAIN), {"architecture": "vit_x", "model_args": arguments}),
        (state_of(PLAIN), {"architecture": "vit_x", "model_args": other}),
    ):
        checkpoint = Checkpoint("w", "safetensors", state, config=config)
        found = make_plan(graph, checkpoint).diagnostics
        assert {each.code for each in found} <= {"DS415", "DS416", "DS429", "DS430"}
        inspect(checkpoint)


def test_a_config_that_is_not_square_where_the_table_is_not_either() -> None:
    """16×40 pixels are 2×5 patches of 8×8: both reasons are given."""
    named = {**VIT, "vit.embeddings.position_embeddings": torch.zeros(1, 1 + 10, 24)}
    config = {"model_type": "vit", "image_size": [16, 40]}
    with pytest.raises(WeightsError) as caught:
        planned(PLAIN, named, config=config)
    found = [each.code for each in caught.value.diagnostics]
    assert found == ["DS430", "DS408"]


def test_an_audio_transformer_is_not_a_deit(tmp_path: Path) -> None:
    """Its tensors are those of a DeiT; its patches overlap, as only the config says."""
    transformers = import_transformers()
    audio = {"num_mel_bins": 20, "max_length": 20}
    strides = {"frequency_stride": 4, "time_stride": 4}
    own = {key: value for key, value in SIZES.items() if key != "image_size"}
    config = transformers.ASTConfig(**own, **audio, **strides)
    transformers.ASTModel(config).save_pretrained(tmp_path / "ast")
    spec = changed(DISTILLED, num_classes=None, in_channels=1)
    plan = plan_of(tmp_path / "ast", spec)
    assert codes(plan) == ["DS430"]
    assert not plan.missing
    assert not plan.left_over
    (tmp_path / "ast" / "config.json").unlink()
    assert plan_of(tmp_path / "ast", spec).reconciles


@pytest.mark.parametrize("kind", ["DeiT", "ViT"])
def test_the_encoder_of_an_encoder_decoder(kind: str, tmp_path: Path) -> None:
    """Its own config is read, and the decoder is beside it."""
    transformers = import_transformers()
    encoder = getattr(transformers, f"{kind}Config")(**SIZES)
    decoder = transformers.TrOCRConfig(
        d_model=16, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=16,
        vocab_size=9, cross_attention_hidden_size=24,
    )  # fmt: skip
    make = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs
    model = scatter(transformers.VisionEncoderDecoderModel(make(encoder, decoder)))
    model.save_pretrained(tmp_path / "ocr")
    checkpoint = open_checkpoint(tmp_path / "ocr")
    assert checkpoint.prefix == "encoder."
    ours = loaded(tmp_path / "ocr", allow={"drop"})
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = model.encoder(images).last_hidden_state[:, 0]
        torch.testing.assert_close(ours(images), wanted, rtol=0, atol=1e-5)
    values = inspect(checkpoint).values
    assert values["num_heads"] == 3
    path = tmp_path / "ocr" / "config.json"
    config = json.loads(path.read_text())
    config["encoder"] |= {"num_attention_heads": 4, "image_size": 64}
    path.write_text(json.dumps(config))
    assert [each.message for each in plan_of(tmp_path / "ocr", values).diagnostics] == [
        "num_heads is 4 in the config and 3 in the spec",
        "encoder.image_size is 64 in the config and 32 in the weights",
    ]


def test_the_vision_part_of_two_towers(tmp_path: Path) -> None:
    transformers = import_transformers()
    text = transformers.BertConfig(
        hidden_size=12, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=12, vocab_size=9,
    )  # fmt: skip
    vision = transformers.ViTConfig(**SIZES)
    make = transformers.VisionTextDualEncoderConfig.from_vision_text_configs
    model = transformers.VisionTextDualEncoderModel(make(vision, text))
    model.save_pretrained(tmp_path / "two")
    checkpoint = open_checkpoint(tmp_path / "two")
    assert checkpoint.prefix == "vision_model."
    values = inspect(checkpoint).values
    assert values["num_heads"] == 3
    plan = plan_of(tmp_path / "two", {**values, "num_heads": 4})
    assert codes(plan)[0] == "DS415"


def test_vit_msn_computes_the_same(tmp_path: Path) -> None:
    transformers = import_transformers()
    config = transformers.ViTMSNConfig(**SIZES, num_labels=5)
    model = scatter(transformers.ViTMSNForImageClassification(config))
    path = save(model.state_dict(), tmp_path / "msn.pth")
    config.save_pretrained(tmp_path)
    assert inspect(open_checkpoint(path)).values["num_heads"] == 3
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = model(images).logits
        ours = loaded(path)(images)
    torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-5)


def save_timm(folder: Path, name: str, **options: Any) -> Any:
    """Write the folder that timm pushes to the hub, and return the model."""
    timm = import_timm()
    model = scatter(timm.create_model(name, pretrained=False, **options))
    timm.models.save_for_hf(model, str(folder), safe_serialization=True)
    return model


@pytest.mark.parametrize(
    "name",
    [
        "deit_tiny_distilled_patch16_224",
        "deit3_small_patch16_224",
        "vit_tiny_patch16_224",
    ],
)
def test_a_folder_of_timm(name: str, tmp_path: Path) -> None:
    """The number of heads is in `model_args`; the logits are timm's."""
    model = save_timm(tmp_path / "t", name, **TIMM)
    found = inspect(open_checkpoint(tmp_path / "t"))
    assert found.values["num_heads"] == 3
    assert not any("num_heads" in each.message for each in found.diagnostics)
    ours = deit_spec.load(found.values, weights=tmp_path / "t", target="inference")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), model(images), rtol=0, atol=1e-4)
    plan = plan_of(tmp_path / "t", {**found.values, "num_heads": 6})
    (wrong,) = plan.diagnostics
    assert wrong.message == "num_heads is 3 in the config and 6 in the spec"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "vit_tiny_patch16_224",
            {**TIMM, "global_pool": "avg", "fc_norm": False},
            'global_pool is "avg" in the config, and a spec reads the class token',
        ),
        (
            "deit3_small_patch16_224",
            {**TIMM, "img_size": (16, 64)},
            "img_size is [16, 64] in the config, and a spec has square images",
        ),
        (
            "vit_tiny_patch16_224",
            {**TIMM, "act_layer": "gelu_tanh"},
            'the activation is "gelu_tanh" in the config, not gelu',
        ),
    ],
)
def test_a_model_of_timm_that_computes_something_else(
    name: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Every tensor fits: only the config shows it."""
    save_timm(tmp_path / "t", name, **options)
    spec = inspect(open_checkpoint(tmp_path / "t")).values
    plan = plan_of(tmp_path / "t", spec)
    assert [each.message for each in plan.diagnostics] == [message]
    assert not plan.missing
    assert not plan.left_over
    assert not plan.reconciles
    with pytest.raises(WeightsError):
        deit_spec.load(spec, weights=tmp_path / "t", strict=False)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"architecture": "swin_tiny_patch4_window7_224"},
            (
                'architecture is "swin_tiny_patch4_window7_224" in the config, '
                "which is neither a DeiT nor a ViT"
            ),
        ),
        (
            {"architecture": "vit_x", "num_features": 48},
            "num_features is 48 in the config, and embed_dim is 24 in the weights",
        ),
        (
            {"architecture": "vit_x", "model_args": {"img_size": [64, 64]}},
            ("img_size is [64, 64] in the config, and image_size is 32 in the weights"),
        ),
        (
            {"architecture": "vit_x", "model_args": {"mlp_ratio": 2}},
            "mlp_ratio is 2 in the config and 4.0 in the weights",
        ),
        (
            {"architecture": "vit_x", "model_args": {"init_values": 1e-5}},
            (
                "init_values is 1e-05 in the config, and layer_scale is false in the "
                "weights"
            ),
        ),
        (
            {"architecture": "vit_x", "model_args": {"no_embed_class": True}},
            (
                "no_embed_class is true in the config, and position_embedding is all "
                "in the weights"
            ),
        ),
        (
            {"architecture": "vit_x", "model_args": {"class_token": False}},
            "class_token is false in the config, which no spec can describe",
        ),
        (
            {"architecture": "vit_x", "model_args": {"rope": True}},
            "rope is true in the config, which no spec can describe",
        ),
        (
            {
                "architecture": "deit_tiny_distilled_patch16_224",
                "model_args": {**TIMM, "mlp_ratio": 4},
            },
            (
                "distillation_token is true in deit_tiny_distilled_patch16_224 and "
                "false in the weights"
            ),
        ),
        (
            {
                "architecture": "deit_small_patch16_224",
                "model_args": {**TIMM, "num_heads": 3, "embed_dim": 384},
            },
            "embed_dim is 384 in the config and 24 in the weights",
        ),
    ],
)
def test_a_config_of_timm_that_contradicts(
    config: dict[str, Any], message: str
) -> None:
    plan = planned(PLAIN, state_of(PLAIN), config=config)
    assert [each.message for each in plan.diagnostics] == [message]
    assert not plan.reconciles


def test_arguments_of_timm_for_training_say_nothing_of_the_weights() -> None:
    given = {
        "drop_rate": 0.1, "drop_path_rate": 0.1, "patch_drop_rate": 0.5,
        "weight_init": "jax", "fix_init": True, "dynamic_img_size": True,
        "class_token": True, "reg_tokens": 0, "global_pool": "",
    }  # fmt: skip
    config = {"architecture": "vit_x", "model_args": {**TIMM, **given}}
    assert not planned(PLAIN, state_of(PLAIN), config=config).diagnostics


@pytest.mark.parametrize("name", ["deit_tiny_patch16_224", "vit_tiny_patch16_224"])
def test_the_name_of_a_model_of_timm_says_how_many_heads_it_has(name: str) -> None:
    """Also where `model_args` does not; the default of a spec, 12, fits the shapes."""
    tiny = deit_spec.load_spec("deit_tiny_patch16_224")
    spec = tiny.model_dump(exclude={"name", "extends"})
    with torch.device("meta"):
        state = import_timm().create_model(name, pretrained=False).state_dict()
    config = {"architecture": name, "num_classes": 1000, "num_features": 192}
    assert not planned(spec, state, config=config).diagnostics
    (found,) = planned({**spec, "num_heads": 12}, state, config=config).diagnostics
    assert found.code == "DS415"
    assert found.message == f"num_heads is 3 in {name} and 12 in the spec"
