"""The schema, the rules between its fields, and inheritance."""

from deit_spec.spec.fix_loop import Count, Mended, count, mend, mend_text
from deit_spec.spec.schema import DeiTSpec, Variant, output_size
from deit_spec.spec.spec_validation import (
    Checked,
    SpecLike,
    check_read,
    check_spec,
    check_text,
)

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
