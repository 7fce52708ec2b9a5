"""The names of timm's models are those that timm lists."""

from unittest import mock

import pytest

from deit_spec.distill.optional_packages import import_package
from deit_spec.recipe import timm_names


def test_they_are_those_of_timm() -> None:
    timm = import_package("timm")
    from timm.models import _registry  # noqa: PLC0415

    renamed = {name.partition(".")[0] for name in _registry._deprecated_models}
    assert timm_names.timm_names() == {*timm.list_models(), *renamed}


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("resnet18", False),
        ("resnet18.a1_in1k", False),
        ("hf-hub:me/model", False),
        ("resnet-18", True),
    ],
)
def test_a_name_is_known_without_its_tag(name: str, unknown: bool) -> None:  # noqa: FBT001
    assert timm_names.is_unknown(name) == unknown


def test_without_timm_no_name_is_unknown() -> None:
    with mock.patch.object(timm_names, "timm_names", frozenset):
        assert not timm_names.is_unknown("resnet-18")


def test_similar_names_are_names() -> None:
    assert timm_names.similar_names("ResNet-18.a1_in1k")[0] == "resnet18"
