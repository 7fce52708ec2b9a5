"""Answers to `deit-spec explain`: what a code means, and what a field does."""

from deit_spec.explain.code import Block, as_markdown, catalogue_page, code_page
from deit_spec.explain.effects import Effect, effects
from deit_spec.explain.example import findings_of
from deit_spec.explain.field import FieldAnswer, explain_field, field_page
from deit_spec.explain.provenance import Provenance, trace
from deit_spec.explain.topics import FIELDS, Topic, UnknownTopicError, find, topics

__all__ = [
    "FIELDS",
    "Block",
    "Effect",
    "FieldAnswer",
    "Provenance",
    "Topic",
    "UnknownTopicError",
    "as_markdown",
    "catalogue_page",
    "code_page",
    "effects",
    "explain_field",
    "field_page",
    "find",
    "findings_of",
    "topics",
    "trace",
]
