"""The limits of a model: reported before anything is built."""

from hypothesis import given
from support.strategies import specs

from deit_spec import DeiTSpec
from deit_spec.cost.count import total
from deit_spec.lowering import lower
from deit_spec.passes import infer_shapes
from deit_spec.spec import check_text
from deit_spec.spec.model_limits import LARGEST, PARAMETERS, count_parameters


@given(specs())
def test_parameters_are_counted_as_the_graph_has_them(spec: DeiTSpec) -> None:
    graph = infer_shapes(lower(spec))
    assert count_parameters(spec) == total(graph).parameters


def test_what_is_at_the_limit_is_allowed() -> None:
    for field, largest in LARGEST.items():
        found = check_text(f"{field}: {largest}\n".encode(), "t.yaml").diagnostics
        assert [
            one for one in found if field in one.message and "limit" in one.message
        ] == []
        found = check_text(f"{field}: {largest + 1}\n".encode(), "t.yaml").diagnostics
        assert f"{field} is above the limit of {largest:,}" in [
            one.message for one in found
        ]


def test_the_model_at_the_limit_is_allowed() -> None:
    text = "embed_dim: 65536\nnum_heads: 64\ndepth: {}\n"
    [found] = check_text(text.format(100).encode(), "t.yaml").diagnostics
    assert found.helps == ("use smaller sizes, fewer blocks or fewer classes",)
    assert check_text(text.format(19).encode(), "t.yaml").spec is not None
    assert check_text(text.format(20).encode(), "t.yaml").spec is None
    assert (
        count_parameters(DeiTSpec(embed_dim=65536, num_heads=64, depth=20)) > PARAMETERS
    )
