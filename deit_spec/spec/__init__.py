"""The schema, the rules between its fields, and inheritance."""

from deit_spec.spec.check import Checked
from deit_spec.spec.reading import SpecLike, check_spec, check_stream, check_text
from deit_spec.spec.schema import DeiTSpec, Variant, output_size

__all__ = [
    "Checked",
    "DeiTSpec",
    "SpecLike",
    "Variant",
    "check_spec",
    "check_stream",
    "check_text",
    "output_size",
]
