"""What transformers and timm cannot express is refused or reported, and nothing else.

Without a finding their output is ours.
"""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import import_timm, import_transformers
from support.checkpoints import DEIT3, DISTILLED, PLAIN, changed, model_of, save
from support.strategies import specs
from torch import nn

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.diagnostics import Diagnostic
from deit_spec.weights import (
    To,
    WeightsError,
    Writing,
    allowed,
    convert,
    make_plan,
    open_checkpoint,
    require,
)

UNEQUAL = {**DISTILLED, "num_classes": 4, "variant": {"init": "fan_in"}}
ONE_HEAD = changed(PLAIN, variant={"init": "fan_in"})


def convert_to(to: str, spec: Any, model: nn.Module, out: Path) -> list[Diagnostic]:
    """Convert a model to a folder, and return the findings."""
    graph = deit_spec.lower(deit_spec.load_spec(spec))
    path = save(model.state_dict(), out.parent / "w.pth")
    checkpoint = open_checkpoint(path)
    plan = make_plan(graph, checkpoint)
    try:
        return list(convert(graph, plan, checkpoint, Writing(out, To(to))))
    except WeightsError as error:
        assert not out.exists()
        return list(error.diagnostics)


def timm_output(folder: Path, images: torch.Tensor, **options: Any) -> torch.Tensor:
    """The output of the model that timm makes of a folder, in float64."""
    name = f"local-dir:{folder}"
    model = import_timm().create_model(name, pretrained=True, **options)
    found: torch.Tensor = model.eval().double()(images)
    return found


def hf_output(folder: Path, images: torch.Tensor) -> torch.Tensor:
    """The logits or the class token of the model of transformers, in float64."""
    transformers = import_transformers()
    config = transformers.AutoConfig.from_pretrained(folder)
    (name,) = config.architectures
    options = {"add_pooling_layer": False} if name.endswith("Model") else {}
    kind = getattr(transformers, name)
    model, said = kind.from_pretrained(folder, output_loading_info=True, **options)
    assert not any(said.values()), said
    output = model.eval().double()(images)
    if name.endswith("Model"):
        found: torch.Tensor = output.last_hidden_state[:, 0]
    else:
        found = output.logits
    return found


OUTPUTS = {"timm": timm_output, "hf": hf_output}


def images_of(spec: DeiTSpec) -> torch.Tensor:
    size = spec.image_size
    return torch.randn(2, spec.in_channels, size, size, dtype=torch.float64)


def output_of(spec: DeiTSpec, model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor
    model = model.double()
    found = model(images) if spec.num_classes is None else model.predict(images)
    return found


@pytest.mark.parametrize("to", ["timm", "hf"])
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_without_a_finding_the_output_is_the_same(to: str, data: st.DataObject) -> None:
    """Of any spec, in evaluation, with random weights."""
    spec = data.draw(specs().filter(lambda spec: is_common(spec, to)))
    model = model_of(spec)
    with TemporaryDirectory() as folder:
        found = convert_to(to, spec, model, Path(folder) / "out")
        if found:
            return
        images = images_of(spec)
        with torch.no_grad():
            theirs = OUTPUTS[to](Path(folder) / "out", images)
            ours = output_of(spec, model, images)
    torch.testing.assert_close(theirs, ours, rtol=1e-6, atol=1e-6)


def is_common(spec: DeiTSpec, to: str) -> bool:
    """Whether a spec lacks what every model of a library is reported for."""
    if to == "timm":
        return spec.variant.layer_norm_eps == 1e-6
    return not spec.variant.layer_scale and not spec.dropout


MERGING = "`variant.merge_tokens` is not converted: {} merges none"
DROP_PATH = "`variant.drop_path` is not converted: transformers has no stochastic depth"
DROPOUT = (
    "`dropout` is not converted after the first linear layer of each MLP: "
    "transformers has none there"
)
FUSION = "`variant.fusion` is not converted: {} averages the logits of two heads"
REFUSED: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "hf",
        DEIT3,
        ["`variant.layer_scale`", "`variant.position_embedding: patches`"],
        ["use `--to timm`"],
    ),
    (
        "hf",
        changed(ONE_HEAD, variant={"readout": "mean_tokens"}),
        ["`variant.readout: mean_tokens`"],
        ["use `--to deit`"],
    ),
    ("timm", ONE_HEAD, ["a distillation token without its head"], ["use `--to hf`"]),
    (
        "timm",
        changed(ONE_HEAD, variant={"readout": "mean_tokens"}),
        ["`variant.readout: mean_tokens`"],
        ["use `--to deit`"],
    ),
    ("timm", UNEQUAL, ["heads of 4 and 5 classes"], ["use `--to deit`"]),
    (
        "timm",
        changed(DISTILLED, variant={"position_embedding": "patches"}),
        ["`variant.position_embedding: patches` with a distillation token"],
        ["use `--to deit`"],
    ),
]


@pytest.mark.parametrize(("to", "spec", "settings", "helps"), REFUSED)
def test_what_a_library_cannot_hold_is_refused(
    to: str, spec: dict[str, Any], settings: list[str], helps: list[str], tmp_path: Path
) -> None:
    """The findings are about a file that exists, and the help works."""
    library = {"hf": "transformers", "timm": "timm"}[to]
    found = convert_to(to, spec, model_of(spec), tmp_path / "out")
    assert [(each.code, each.message) for each in found] == [
        ("DS421", f"{library} does not support {setting}") for setting in settings
    ]
    for each in found:
        assert Path(each.primary.span.source.name).exists()
        assert list(each.helps) == helps
    other = helps[0].removeprefix("use `--to ").rstrip("`")
    suffix = ".safetensors" if other == "deit" else ""
    out = tmp_path / f"other{suffix}"
    assert convert_to(other, spec, model_of(spec), out) == []
    assert out.exists()


def test_unequal_heads_without_the_distillation_head(tmp_path: Path) -> None:
    """The way that the help names: another spec, and a permission."""
    ours = model_of(UNEQUAL)
    (found,) = convert_to("hf", UNEQUAL, ours, tmp_path / "out")
    assert found.message == "transformers does not support heads of 4 and 5 classes"
    first, second = found.helps
    assert "`teacher_num_classes: null`" in first
    assert "`--allow heads`" in first
    assert second == "use `--to deit`"
    spec = deit_spec.load_spec({**UNEQUAL, "teacher_num_classes": None})
    graph = deit_spec.lower(spec)
    checkpoint = open_checkpoint(tmp_path / "w.pth")
    plan = make_plan(graph, checkpoint)
    require(plan, allowed(allow={"heads"}))
    convert(graph, plan, checkpoint, Writing(tmp_path / "hf", To.HF))
    config = import_transformers().AutoConfig.from_pretrained(tmp_path / "hf")
    assert config.architectures == ["DeiTForImageClassification"]
    images = images_of(spec)
    with torch.no_grad():
        theirs = hf_output(tmp_path / "hf", images)
        torch.testing.assert_close(theirs, ours.double()(images).cls)


@pytest.mark.parametrize(
    ("to", "fields", "message"),
    [
        ("hf", {"variant": {"fusion": "dist"}}, FUSION.format("transformers")),
        ("hf", {"variant": {"fusion": "mean_softmax"}}, FUSION.format("transformers")),
        (
            "hf",
            {"variant": {"drop_path": 0.1}},
            DROP_PATH,
        ),
        ("hf", {"dropout": 0.25}, DROPOUT),
        ("hf", {"variant": {"merge_tokens": 1}}, MERGING.format("transformers")),
        ("timm", {"variant": {"merge_tokens": 1}}, MERGING.format("timm")),
        ("timm", {"variant": {"fusion": "cls"}}, FUSION.format("timm")),
        (
            "timm",
            {"variant": {"layer_norm_eps": 1e-5}},
            "`variant.layer_norm_eps` is not converted: timm computes with 1e-06",
        ),
        (
            "timm",
            {"num_classes": None, "teacher_num_classes": None},
            "the features of timm's model are the mean of both tokens",
        ),
    ],
)
def test_what_a_library_computes_differently_is_reported(
    to: str, fields: dict[str, Any], message: str, tmp_path: Path
) -> None:
    spec = {**DISTILLED, **fields}
    (found,) = convert_to(to, spec, model_of(spec), tmp_path / "out")
    assert (found.code, found.message) == ("DS422", message)
    assert Path(found.primary.span.source.name).exists()


@pytest.mark.parametrize("fusion", ["cls", "dist"])
def test_the_heads_of_timm_that_the_help_names(fusion: str, tmp_path: Path) -> None:
    """timm's own output differs, which is the reason for the warning."""
    spec = deit_spec.load_spec({**DISTILLED, "variant": {"fusion": fusion}})
    ours = model_of(spec)
    (found,) = convert_to("timm", spec, ours, tmp_path / "out")
    name, images = f"local-dir:{tmp_path / 'out'}", images_of(spec)
    model = import_timm().create_model(name, pretrained=True).eval().double()
    (said,) = found.helps
    assert "`x = model.forward_features(images)`" in said
    assert "`model.head(x[:, 0])` and `model.head_dist(x[:, 1])`" in said
    with torch.no_grad():
        x, wanted = model.forward_features(images), output_of(spec, ours, images)
        assert (model(images) - wanted).abs().max() > 0.1
        head = model.head(x[:, 0]) if fusion == "cls" else model.head_dist(x[:, 1])
    torch.testing.assert_close(head, wanted)


def test_another_epsilon_in_timm(tmp_path: Path) -> None:
    """The keyword that the help names makes the outputs equal."""
    spec = deit_spec.load_spec(
        {**PLAIN, "variant": {**PLAIN["variant"], "layer_norm_eps": 1e-2}}
    )
    ours = model_of(spec)
    (found,) = convert_to("timm", spec, ours, tmp_path / "out")
    keyword = "norm_layer=partial(timm.layers.LayerNorm, eps=0.01)"
    assert found.helps == (f"pass `{keyword}` to `timm.create_model`",)
    norm = partial(import_timm().layers.LayerNorm, eps=0.01)
    images = images_of(spec)
    with torch.no_grad():
        wanted = output_of(spec, ours, images)
        assert (timm_output(tmp_path / "out", images) - wanted).abs().max() > 1e-3
        theirs = timm_output(tmp_path / "out", images, norm_layer=norm)
    torch.testing.assert_close(theirs, wanted)


def test_features_of_timm(tmp_path: Path) -> None:
    """The token that the help names is our output."""
    spec = deit_spec.load_spec(
        {**DISTILLED, "num_classes": None, "teacher_num_classes": None}
    )
    ours = model_of(spec)
    (found,) = convert_to("timm", spec, ours, tmp_path / "out")
    token = "`model.forward_features(images)[:, 0]` is the class token"  # noqa: S105
    assert found.helps == (token,)
    name, images = f"local-dir:{tmp_path / 'out'}", images_of(spec)
    model = import_timm().create_model(name, pretrained=True).eval().double()
    with torch.no_grad():
        theirs = model.forward_features(images)[:, 0]
        torch.testing.assert_close(theirs, output_of(spec, ours, images))


def test_a_warning_points_into_the_spec(tmp_path: Path) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(
        "image_size: 32\npatch_size: 8\nembed_dim: 24\ndepth: 2\nnum_heads: 3\n"
        "dropout: 0.1\nnum_classes: 5\nteacher_num_classes: 5\n"
        "variant:\n  fusion: cls\n"
    )
    path = save(model_of(DISTILLED).state_dict(), tmp_path / "w.pth")
    graph, checkpoint = deit_spec.compile(spec).graph, open_checkpoint(path)
    plan = make_plan(graph, checkpoint)
    found = convert(graph, plan, checkpoint, Writing(tmp_path / "hf", To.HF))
    places = [str(each.secondary[0].span) for each in found]
    assert places == [f"{spec}:10:11", f"{spec}:6:10"]
