"""The input and the outputs of an exported model change nothing else."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.execution import images_for
from support.strategies import specs

from deit_spec import DeiTSpec
from deit_spec.cost import total
from deit_spec.graph import Target
from deit_spec.passes import PassOptions
from deit_spec.pipeline import compile_checked
from deit_spec.spec import Checked


@settings(max_examples=20)
@given(specs().filter(lambda spec: spec.num_classes is not None), st.data())
def test_outputs_are_those_of_the_logits(spec: DeiTSpec, data: st.DataObject) -> None:
    counts = (spec.num_classes or 1, spec.teacher_num_classes or 5)
    k = data.draw(st.integers(1, min(counts)))
    checked = Checked(spec, ())
    results = []
    for prediction in ("logits", "probabilities", "topk"):
        options = PassOptions(
            channels_last=True, prediction=prediction, k=k, drop_weights=True
        )
        compiled = compile_checked(checked, Target.INFERENCE, options)
        torch.manual_seed(0)
        model = compiled.build(dtype="float64").eval()
        with torch.no_grad():
            results.append(model(images_for(spec).double().permute(0, 2, 3, 1)))
        assert total(compiled.graph).parameters == sum(
            each.numel() for each in model.parameters()
        )
    logits, probabilities, top = results
    torch.testing.assert_close(logits.softmax(dim=1), probabilities)
    expected = probabilities.topk(k)
    assert torch.equal(top.probabilities, expected.values)
    assert torch.equal(top.classes, expected.indices)
