"""Where a value is from, through any chain of specs."""

from pathlib import Path

import pytest

from deit_spec.explain import Provenance, trace
from deit_spec.spec import check_spec, check_text


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("top.yaml").write_text("depth: 4\nextends: middle.yaml\n")
    Path("middle.yaml").write_text(
        "extends: deit_tiny_patch16_224\nimage_size: 384\nvariant:\n  drop_path: 0.1\n"
    )


def told(spec: str, field: str) -> tuple[object, str, list[str]]:
    found = trace(check_spec(spec), tuple(field.split(".")))
    assert found is not None
    return found.value, str(found.place), [str(link) for link in found.links]


LINKS = ["top.yaml:2:10", "middle.yaml:1:10"]


@pytest.mark.parametrize(
    ("field", "value", "place", "links"),
    [
        ("depth", 4, "top.yaml:1:8", []),
        ("extends", "middle.yaml", "top.yaml:2:10", []),
        ("image_size", 384, "middle.yaml:2:13", LINKS[:1]),
        ("variant.drop_path", 0.1, "middle.yaml:4:14", LINKS[:1]),
        ("variant.qkv_bias", True, "None", []),
        ("dropout", 0.0, "None", []),
        ("name", "top", "None", []),
    ],
)
@pytest.mark.usefixtures("chain")
def test_value(field: str, value: object, place: str, links: list[str]) -> None:
    assert told("top.yaml", field) == (value, place, links)


@pytest.mark.usefixtures("chain")
def test_value_of_a_published_spec() -> None:
    value, place, links = told("top.yaml", "embed_dim")
    assert value == 192
    assert place.startswith("published:deit_tiny_patch16_224:")
    assert links == LINKS


def test_quotes_are_no_part_of_a_name() -> None:
    checked = check_text(b'extends: "deit_tiny_patch16_224"\n', "t.yaml")
    found = trace(checked, ("extends",))
    assert found is not None
    assert (found.value, str(found.place)) == ("deit_tiny_patch16_224", "t.yaml:1:10")


def test_an_extends_that_leads_nowhere_has_its_value() -> None:
    found = trace(check_text(b"extends: nowhere.yaml\n", "t.yaml"), ("extends",))
    assert found is not None
    assert (found.value, str(found.place)) == ("nowhere.yaml", "t.yaml:1:10")


def test_a_spec_with_errors_has_values_too() -> None:
    checked = check_text(b"num_heads: 7\ndepth: 3.5\n", "t.yaml")
    assert checked.spec is None
    found = trace(checked, ("depth",))
    assert found is not None
    assert (found.value, str(found.place)) == (3.5, "t.yaml:2:8")
    assert trace(checked, ("dropout",)) == Provenance(0.0, None)


@pytest.mark.parametrize("text", [b"[1]", b"a: ["])
def test_what_is_no_mapping_has_no_values(text: bytes) -> None:
    assert trace(check_text(text, "t.yaml"), ("depth",)) is None


def test_a_variant_that_is_no_mapping() -> None:
    found = trace(check_text(b"variant: 3\n", "t.yaml"), ("variant", "init"))
    assert found == Provenance("deit", None)
