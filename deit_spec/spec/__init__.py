"""The schema, the rules between its fields, and inheritance."""

from deit_spec.spec.check import Checked
from deit_spec.spec.mend import Count, Mended, count, mend, mend_text
from deit_spec.spec.reading import SpecLike, check_read, check_spec, check_text
from deit_spec.spec.schema import DeiTSpec, Variant, output_size

__all__ = [
    "Checked",
    "Count",
    "DeiTSpec",
    "Mended",
    "SpecLike",
    "Variant",
    "check_read",
    "check_spec",
    "check_text",
    "count",
    "mend",
    "mend_text",
    "output_size",
]
