"""The groups of a figure in text formats that other tools draw."""

import re
from collections.abc import Iterable, Iterator, Sequence

from deit_spec.diagnostics.printable import visible
from deit_spec.diagram.box_text import content_of, output_names
from deit_spec.diagram.groups import Detail, Group, Groups, group
from deit_spec.diagram.palette import FAMILIES, family_of
from deit_spec.graph import LayerGraph


def as_mermaid(graph: LayerGraph, detail: Detail = Detail.BLOCK) -> str:
    """Write a graph as a Mermaid flowchart. The id of a node is its path.

    Args:
        graph: A graph with inferred shapes.
        detail: The stages only, equal blocks as one, or every block.
    """
    groups = group(graph, detail)

    def nodes(members: Sequence[Group], indent: str) -> Iterator[str]:
        for each in members:
            if each.members:
                title = _entity(each.item.title)
                yield f'{indent}subgraph {each.path}["{title}"]'
                yield from nodes(each.members, f"{indent}  ")
                yield f"{indent}end"
                yield f"{indent}style {each.path} fill:none,stroke:#8a959f"
            else:
                label = "<br>".join(map(_entity, _label(each, groups)))
                look = family_of(each, groups)
                yield f'{indent}{each.path}["{label}"]:::{look}'

    lines = ["---", f"title: {_quoted(visible(graph.name))}", "---", "flowchart TB"]
    lines += nodes(groups.every, "  ")
    for number, (path, name) in enumerate(_outputs(groups)):
        lines.append(f'  output-{number}(["{_entity(name)}"])')
        lines.append(f"  {path} --> output-{number}")
    for source, target in groups.edges:
        arrow = "-.->" if target == groups.view.extra else "-->"
        lines.append(f"  {source} {arrow} {target}")
    for look in dict.fromkeys(family_of(each, groups) for each in _nodes(groups.every)):
        fill, stroke, *_ = FAMILIES[look]
        style = f"fill:{fill},stroke:{stroke},color:#15191d"
        lines.append(f"  classDef {look} {style}")
    return "\n".join(lines) + "\n"


def as_dot(graph: LayerGraph, detail: Detail = Detail.BLOCK) -> str:
    """Write a graph in the language of Graphviz. The id of a node is its path.

    Args:
        graph: A graph with inferred shapes.
        detail: The stages only, equal blocks as one, or every block.
    """
    groups = group(graph, detail)

    def nodes(members: Sequence[Group], indent: str) -> Iterator[str]:
        for each in members:
            if each.members:
                yield f"{indent}subgraph {_quoted(f'cluster_{each.path}')} {{"
                yield f"{indent}  label={_quoted(each.item.title)};"
                yield from nodes(each.members, f"{indent}  ")
                yield f"{indent}}}"
            else:
                label = _quoted("\n".join(_label(each, groups)))
                fill, stroke, *_ = FAMILIES[family_of(each, groups)]
                look = f'fillcolor="{fill}", color="{stroke}"'
                yield f"{indent}{_quoted(each.path)} [label={label}, {look}];"

    lines = [f"digraph {_quoted(visible(graph.name))} {{"]
    lines.append('  graph [fontname="Helvetica", style="rounded", labeljust="l"];')
    look = 'shape="box", style="rounded,filled", fontname="Helvetica"'
    lines.append(f"  node [{look}];")
    lines += nodes(groups.every, "  ")
    for number, (path, name) in enumerate(_outputs(groups)):
        shape = 'shape="plaintext", style=""'
        lines.append(f'  "output-{number}" [label={_quoted(name)}, {shape}];')
        lines.append(f'  {_quoted(path)} -> "output-{number}";')
    for source, target in groups.edges:
        style = " [style=dashed]" if target == groups.view.extra else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(target)}{style};")
    return "\n".join([*lines, "}"]) + "\n"


def as_d2(graph: LayerGraph, detail: Detail = Detail.BLOCK) -> str:
    """Write a graph in D2. The key of a node is its path, nested by group.

    Args:
        graph: A graph with inferred shapes.
        detail: The stages only, equal blocks as one, or every block.
    """
    groups = group(graph, detail)
    keys: dict[str, str] = {}

    def nodes(
        members: Sequence[Group], indent: str, parent: Group | None
    ) -> Iterator[str]:
        for each in members:
            path = each.path
            own = path.removeprefix(f"{parent.path}.") if parent else path
            above = f"{keys[parent.path]}." if parent else ""
            keys[path] = f"{above}{_in_d2(own)}"
            if each.members:
                yield f"{indent}{_in_d2(own)}: {_in_d2(each.item.title)} {{"
                yield f"{indent}  label.near: top-left"
                yield from nodes(each.members, f"{indent}  ", each)
            else:
                label = _in_d2("\n".join(_label(each, groups)))
                fill, stroke, *_ = FAMILIES[family_of(each, groups)]
                yield f"{indent}{_in_d2(own)}: {label} {{"
                yield f'{indent}  style: {{fill: "{fill}"; stroke: "{stroke}"}}'
            yield f"{indent}}}"

    lines = [*nodes(groups.every, "", None)]
    for number, (path, name) in enumerate(_outputs(groups)):
        lines.append(f'"output-{number}": {_in_d2(name)} {{shape: text}}')
        lines.append(f'{keys[path]} -> "output-{number}"')
    for source, target in groups.edges:
        style = ": {style.stroke-dash: 3}" if target == groups.view.extra else ""
        lines.append(f"{keys[source]} -> {keys[target]}{style}")
    return "\n".join(lines) + "\n"


def _nodes(groups: Iterable[Group]) -> Iterator[Group]:
    """Return the groups without members, in order."""
    for each in groups:
        yield from _nodes(each.members) if each.members else (each,)


def _label(each: Group, groups: Groups) -> list[str]:
    """Return the name, the summary and the shape of a node."""
    content = content_of(each, groups, [])
    lines = (content.name.text, content.words.text, content.shape.text)
    return [line for line in lines if line]


def _outputs(groups: Groups) -> list[tuple[str, str]]:
    """Return the nodes that compute an output, each with its name."""
    return [
        (each.path, name)
        for each in _nodes(groups.every)
        for name in output_names(each.path, groups)
    ]


def _entity(text: str) -> str:
    """Write a text for a Mermaid label, in which some characters are syntax."""
    return re.sub(r"""["#<>&;`\\*]""", lambda found: f"#{ord(found[0])};", text)


def _quoted(text: str) -> str:
    r"""Write a text in quotes; a line ends with `\n` in it.

    >>> print(_quoted('a "b"'))
    "a \"b\""
    """
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'.replace("\n", "\\n")


def _in_d2(text: str) -> str:
    """Write a text in quotes for D2, in which `$` begins a substitution."""
    return _quoted(text).replace("$", "\\$")
