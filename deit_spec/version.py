"""The version, where the build and the header of generated code both find it."""

__version__ = "0.1.0"
