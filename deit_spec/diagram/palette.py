"""The colours of a vector figure, on light and on dark pages."""

from typing import Final

from deit_spec.diagram.groups import Group, Groups

FAMILIES: Final = {
    "tokens": ("#eceff1", "#607080", "#2b3138", "#98a5b3"),
    "linear": ("#d6e8f5", "#0072b2", "#12344a", "#56a9dc"),
    "attention": ("#fbdfcd", "#d55e00", "#4d2a12", "#f08a45"),
    "norm": ("#d2efe5", "#009e73", "#0f3d30", "#35c197"),
    "pointwise": ("#f6e1ed", "#b8578c", "#45263a", "#dd94bd"),
    "merging": ("#fbeccb", "#b87a00", "#453410", "#e6a93a"),
    "prediction": ("#dcf1fb", "#3f8fbf", "#183d50", "#7cc4ee"),
    "stage": ("#f6f7f8", "#607080", "#20252b", "#98a5b3"),
}
"""Fill and outline on a light and on a dark page, in the hues of Okabe and Ito."""
_FILES: Final = {
    "class_scores": "prediction",
    "fusion": "prediction",
    "layer_weights": "linear",
    "linear": "linear",
    "attention": "attention",
    "norm": "norm",
    "pointwise": "pointwise",
    "token_merging": "merging",
}
"""The family of the ops in each file; those of other files rearrange tokens."""

HEAT: Final = {
    "cold": ("#ffffff", "#8a959f", "#1a1e23", "#6b7681"),
    "heat0": ("#fff7ed", "#8a6d55", "#2b2520", "#a98f79"),
    "heat1": ("#ffead2", "#8a6d55", "#3b2b1e", "#a98f79"),
    "heat2": ("#ffdbb2", "#8a6d55", "#4c311c", "#a98f79"),
    "heat3": ("#ffcb92", "#8a6d55", "#5c371a", "#a98f79"),
    "heat4": ("#ffba75", "#8a6d55", "#6c3c15", "#a98f79"),
    "heat5": ("#fba85b", "#8a6d55", "#7c400f", "#a98f79"),
}
"""Fill and outline of nodes without a number, and from the least to the most."""
MARKED: Final = {
    "added": ("#cfeee2", "#00795a", "#0d3f30", "#35c197"),
    "removed": ("#fcddca", "#b84a00", "#52290f", "#f08a45"),
    "changed": ("#dbe8f7", "#005f9e", "#143550", "#6ab4e8"),
    "unchanged": ("#ffffff", "#8a959f", "#1a1e23", "#6b7681"),
}
"""Fill and outline of layers in a figure of two models."""
_FILLED: Final = FAMILIES | HEAT | MARKED

_INK: Final = {
    "page": ("fill", "#ffffff", "#14171b"),
    "name": ("fill", "#15191d", "#f2f4f6"),
    "words": ("fill", "#2f363d", "#dde2e7"),
    "shape": ("fill", "#2f363d", "#dde2e7"),
    "note": ("fill", "#424b54", "#c6ced6"),
    "line": ("stroke", "#4a545e", "#aab4be"),
    "residual": ("stroke", "#15191d", "#f2f4f6"),
    "head": ("fill", "#4a545e", "#aab4be"),
    "residualhead": ("fill", "#15191d", "#f2f4f6"),
    "frame": ("stroke", "#8a959f", "#6b7681"),
    "sign": ("stroke", "#15191d", "#f2f4f6"),
}
"""A property with its value on a light and on a dark page, for each class."""


def family_of(each: Group, groups: Groups) -> str:
    """Return the family of a layer, or `stage` for several."""
    if each.item.scopes:
        return "stage"
    file = type(groups.view.graph.op(each.path)).__module__.rpartition(".")[2]
    return _FILES.get(file, "tokens")


def colours(look: str) -> dict[str, str]:
    """The presentation attributes of a class, for a light page."""
    return {name: light for name, (light, _) in _properties(look)}


def dark_style(used: dict[str, None]) -> str:
    """The colours of the classes in use, for a dark page."""
    rules = []
    for look in used:
        dark = ";".join(f"{name}:{value}" for name, (_, value) in _properties(look))
        rules.append(f".{look}{{{dark}}}")
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def styles(scope: str) -> str:
    """The colours of all classes in a scope, on light and on dark pages."""
    rules = ["", ""]
    for look in _INK | _FILLED:
        for name, values in _properties(look):
            for place, value in enumerate(values):
                rules[place] += f"{scope} .{look}{{{name}:{value}}}\n"
    return f"{rules[0]}@media (prefers-color-scheme:dark){{\n{rules[1]}}}\n"


def _properties(look: str) -> list[tuple[str, tuple[str, str]]]:
    """The properties of a class, each with its value on a light and on a dark page."""
    if look in _INK:
        name, light, dark = _INK[look]
        return [(name, (light, dark))]
    fill, stroke, dark_fill, dark_stroke = _FILLED[look]
    return [("fill", (fill, dark_fill)), ("stroke", (stroke, dark_stroke))]
