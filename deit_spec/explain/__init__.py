"""`deit-spec explain`: what a code means, and what a field does."""

from deit_spec.explain.code_page import as_markdown, catalogue_page, code_page
from deit_spec.explain.field_page import explain_field, field_page
from deit_spec.explain.topics import FIELDS, Topic, UnknownTopicError, find, topics

__all__ = [
    "FIELDS",
    "Topic",
    "UnknownTopicError",
    "as_markdown",
    "catalogue_page",
    "code_page",
    "explain_field",
    "field_page",
    "find",
    "topics",
]
