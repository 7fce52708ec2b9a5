"""YAML text to a plain value, with the span of every key and every value."""

from deit_spec.yaml_source.document import Document, Entry, Path
from deit_spec.yaml_source.mapping import document_from_mapping
from deit_spec.yaml_source.reader import (
    contents,
    read_bytes,
    read_file,
    read_pair,
    read_text,
)

__all__ = [
    "Document",
    "Entry",
    "Path",
    "contents",
    "document_from_mapping",
    "read_bytes",
    "read_file",
    "read_pair",
    "read_text",
]
