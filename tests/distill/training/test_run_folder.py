"""The recipe of a run, as it is written to its folder."""

from hypothesis import given
from hypothesis import strategies as st

from deit_spec.distill.training.run_folder import as_yaml
from deit_spec.yaml_source import read_text


@given(st.dictionaries(st.text(max_size=8), st.floats(0, allow_infinity=False)))
def test_weights_of_any_class_are_read_as_they_were(weights: dict[str, float]) -> None:
    """Also of a class with a name such as `3`, `a: b` or `#`."""
    recipe = {"loss": {"class_weights": weights}, "run": {"seed": 0}}
    document, found = read_text(as_yaml(recipe), "recipe.yaml")
    assert not found
    assert document is not None
    assert document.value == recipe
