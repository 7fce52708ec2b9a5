"""The schema, the rules between its fields, inheritance and fixes."""

from deit_spec.spec.schema import DeiTSpec, Variant, output_size
from deit_spec.spec.spec_validation import (
    Checked,
    SpecLike,
    check_read,
    check_spec,
    check_text,
    with_merge_tokens,
)

__all__ = [
    "Checked",
    "DeiTSpec",
    "SpecLike",
    "Variant",
    "check_read",
    "check_spec",
    "check_text",
    "output_size",
    "with_merge_tokens",
]
