"""What notebooks show: figures that do not affect each other, and tables."""

import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from support.commands import SPECS

import deit_spec
from deit_spec.diagram import as_svg
from deit_spec.lowering import lower
from deit_spec.spec.schema import FIELDS

TINY = deit_spec.load_spec(SPECS / "tiny.yaml")


def parse(text: str | None) -> ET.Element:
    assert text is not None
    return ET.fromstring(text)  # noqa: S314  -- we wrote it


@pytest.mark.parametrize(
    "value",
    [deit_spec.compile(TINY), deit_spec.compile(TINY).graph, deit_spec.lower(TINY)],
    ids=lambda value: type(value).__name__,
)
def test_graphs_are_drawn(value: deit_spec.Compiled | deit_spec.LayerGraph) -> None:
    graph = value.graph if isinstance(value, deit_spec.Compiled) else value
    document = as_svg(graph)
    assert value._repr_svg_() == document
    first, second = (parse(value._repr_html_()) for _ in range(2))
    ids = [
        [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
        for root in (first, second)
    ]
    own = [e.attrib["id"] for e in parse(document).iter() if "id" in e.attrib]
    assert ids[0][1:] == [f"{ids[0][0]}.{name}" for name in own]
    assert len({*ids[0], *ids[1]}) == len(ids[0]) + len(ids[1])


def test_the_rules_of_a_figure_are_limited_to_it() -> None:
    root = parse(deit_spec.compile(TINY)._repr_html_())
    (style,) = root.iter("{http://www.w3.org/2000/svg}style")
    rules = re.findall(r"[{}]([^{}@]+)\{", style.text or "")
    assert rules
    assert all(rule.startswith(f"#{root.attrib['id']} .") for rule in rules)


def test_a_spec_is_a_table_and_a_figure() -> None:
    root = parse(TINY._repr_html_())
    cells = [[cell.text for cell in row] for row in root.iter("tr")]
    assert ["embed_dim", "48"] in cells
    assert ["variant.init", '"fan_in"'] in cells
    assert {name for name, _ in cells} == {*FIELDS} - {"variant"}
    assert len(cells) == len(FIELDS) - 1
    grey = {
        row[0].text for row in root.iter("tr") if "opacity" in row[0].attrib["style"]
    }
    assert {"mlp_ratio", "variant.drop_path"} <= grey
    assert not grey & {"embed_dim", "variant.init"}
    assert TINY._repr_svg_() == as_svg(deit_spec.lower(TINY))


def test_text_of_a_spec_is_escaped() -> None:
    spec = deit_spec.DeiTSpec(extends="<b>&")
    assert "&quot;&lt;b&gt;&amp;&quot;" in spec._repr_html_()


def test_what_cannot_be_drawn_is_not_an_error() -> None:
    contradicts = deit_spec.DeiTSpec(image_size=230)
    assert contradicts._repr_svg_() is None
    assert "230" in contradicts._repr_html_()
    assert lower(TINY)._repr_svg_() is None
    assert lower(TINY)._repr_html_() is None


def test_compiling_does_not_import_what_draws() -> None:
    code = (
        "import sys, deit_spec; deit_spec.compile('tiny.yaml'); "
        "print({'rich', 'torch', 'deit_spec.diagram'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SPECS, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"set()"
