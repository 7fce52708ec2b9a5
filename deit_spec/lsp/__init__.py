"""The language server: what editors ask of a spec while it is written."""

from deit_spec.lsp.server import serve

__all__ = ["serve"]
