"""The documentation site: the pages of this folder, and the API from the docstrings.

The pages are also read on GitHub, where `README.md` is the first one. On the site it
is a part of `index.md`, and its groups are the navigation.
"""

import inspect
import re
import sys
from pathlib import Path
from typing import Any, Final, get_type_hints

from docutils import nodes
from pydantic import BaseModel
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this checkout, whatever is installed

# ruff: isort: off
from deit_spec import DeiTSpec, Variant, __version__  # noqa: E402
from deit_spec.explain.field_info import FieldInfo, spec_fields  # noqa: E402
from deit_spec.model.exported_interface import ExportedInterface  # noqa: E402
from deit_spec.model.preprocessing import Preprocessing  # noqa: E402
# ruff: isort: on

project = "deit-spec"
copyright = "the deit-spec authors"  # noqa: A001  -- the name of the setting
version = release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["README.md"]
nitpicky = True
nitpick_ignore_regex = [
    # Classes of other packages: their documentation is on the network.
    (
        r"py:(class|exc)",
        r"(collections|enum|networkx|nn|os|pathlib|pydantic|torch)\..+",
    ),
    (r"py:class", r"Tensor"),
    (r"py:class", r"deit_spec\.(recipe\.overrides|yaml_source)\..+"),  # not for users
]
suppress_warnings = ["misc.highlighting_failure"]  # the pages show damaged YAML

myst_heading_anchors = 3
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autosummary_generate = False
maximum_signature_line_length = 72
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"deit-spec {__version__}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False

_ATTRIBUTE: Final = re.compile(
    r"^(\.\. attribute:: \w+\n)((?:(?!\.\. attribute).*\n)*?)\n(   :type: .+\n)",
    re.MULTILINE,
)
_GROUP: Final = re.compile(r"^## (.+)\n\n((?:[-* ].+\n)+)", re.MULTILINE)
_PAGE: Final = re.compile(r"\]\(([\w./-]+)\.(?:md|rst)\)")
_PAGES: Final = {
    str(ROOT / "README"): "index",
    str(ROOT / "docs" / "README"): "index",
    str(ROOT / "CHANGELOG"): "changelog",
    str(ROOT / "CONTRIBUTING"): "contributing",
}
"""The documents that are pages of the site under another name."""


def add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Append the groups of `README.md` to the first page, as its navigation."""
    if page != "index":
        return
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for caption, entries in _GROUP.findall(text):
        names = (name.removeprefix("../").lower() for name in _PAGE.findall(entries))
        pages = "\n".join(names)
        source[0] += (
            f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
        )


def adapt_links(app: Sphinx, document: nodes.document) -> None:
    """Point links to those documents at their pages, and find names of the API.

    A class may be named without its module: `Classifier.transform`.
    """
    for link in document.findall(addnodes.pending_xref):
        if link.get("refdomain") == "doc":
            link["reftarget"] = _PAGES.get(link["reftarget"], link["reftarget"])
        elif link.get("refdomain") == "py" and link["reftarget"][0].isupper():
            link["refspecific"] = True


def show_as_code(
    app: Sphinx, env: BuildEnvironment, link: addnodes.pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Show what is between backticks as code, unless it is a name of the API."""
    is_default_role = (link["refdomain"], link["reftype"]) == ("py", "obj")
    return text if is_default_role else None


def adapt_docstring(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Add the fields of a spec to its class, and change what Napoleon does.

    It takes the text before a colon for the type of a property, and writes the type of
    an attribute below its description.
    """
    fields = spec_fields()
    if what == "property":
        lines[:] = [*inspect.cleandoc(value.__doc__).splitlines(), ""]
    elif what == "class":
        text = "".join(f"{line}\n" for line in lines)
        lines[:] = _ATTRIBUTE.sub(r"\1\3\2", text).splitlines()
    if value is DeiTSpec:
        lines += [line for field in fields.values() for line in describe(field)]
    elif value is Variant:
        fields = fields["variant"].fields
        lines += [line for field in fields.values() for line in describe(field)]


def describe(field: FieldInfo) -> list[str]:
    """Describe a field of a spec as an attribute."""
    text = f"{field.type_text}, {field.range_text}".removesuffix(", ")
    return [
        f".. py:attribute:: {field.path[-1]}",
        "",
        f"   {field.description}",
        "",
        f"   {text[0].upper()}{text[1:]}. Default: {field.default_text}.",
        "",
    ]


def shorten_signature(
    app: Sphinx,
    what: str,
    name: str,
    value: Any,
    options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str, None] | None:
    """Leave the fields out of the signature of a spec or a recipe."""
    is_schema = inspect.isclass(value) and issubclass(value, BaseModel)
    return ("(**fields)", None) if is_schema else None


def setup(app: Sphinx) -> None:
    """Connect the functions to the events of the build."""
    for kind in (ExportedInterface, Preprocessing):
        for described in (kind, kind.__init__):  # without the bounds for pydantic
            described.__annotations__ = get_type_hints(described)
    app.connect("source-read", add_navigation)
    app.connect("doctree-read", adapt_links)
    app.connect("missing-reference", show_as_code)
    app.connect("autodoc-process-docstring", adapt_docstring, priority=600)
    app.connect("autodoc-process-signature", shorten_signature)
