"""The language server for editors."""

from deit_spec.lsp.server import serve

__all__ = ["serve"]
