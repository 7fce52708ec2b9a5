"""Every spec that is legal in the ten fields of `build_opt` compiles and predicts."""

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.diagnostics import Severity
from deit_spec.spec import check_spec

CLASSES = st.none() | st.integers(1, 5)


@st.composite
def build_opts(draw: st.DrawFn) -> dict[str, Any]:
    """The ten fields of a small model; each may be left out but for those of size."""
    patch, heads = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    sizes = {
        "image_size": patch * draw(st.integers(1, 3)),
        "patch_size": patch,
        "embed_dim": heads * draw(st.integers(1, 4)),
        "depth": draw(st.integers(1, 2)),
        "num_heads": heads,
    }
    others = {
        "in_channels": st.integers(1, 4),
        "mlp_ratio": st.sampled_from([1, 1.5, 4.0]),
        "dropout": st.sampled_from([0, 0.1]),
        "num_classes": CLASSES,
        "teacher_num_classes": CLASSES,
    }
    return sizes | draw(st.fixed_dictionaries({}, optional=others))


@given(build_opts())
def test_it_compiles_and_predicts(fields: dict[str, Any]) -> None:
    """With unequal class counts `predict` is the class head, and a note says so."""
    checked = check_spec(fields)
    assert checked.spec is not None
    model = deit_spec.compile(checked.spec).build().eval()
    spec = checked.spec
    images = torch.randn(2, spec.in_channels, spec.image_size, spec.image_size)
    with torch.no_grad():
        found = model(images)
        output = model.predict(images) if spec.has_two_heads else found
    assert output.shape == (2, deit_spec.output_size(spec))
    is_unequal = spec.has_two_heads and spec.num_classes != spec.teacher_num_classes
    notes = [each.severity for each in checked.diagnostics if each.code == "DS213"]
    assert notes == [Severity.NOTE] * is_unequal
    if is_unequal:
        assert torch.equal(output, found.cls)
        assert found.dist.shape == (2, spec.teacher_num_classes)
    elif spec.has_two_heads:
        assert torch.allclose(output, (found.cls + found.dist) / 2)


def test_null_is_what_it_stands_for() -> None:
    """A spec without `fusion` is the same model as one that writes it."""
    for teacher, fusion in ((7, "mean_logits"), (11, "cls")):
        heads = {"num_classes": 7, "teacher_num_classes": teacher}
        silent = DeiTSpec(**heads)
        explicit = DeiTSpec(**heads, variant={"fusion": fusion})
        assert silent.fusion == explicit.fusion == fusion
        assert silent.digest == explicit.digest
