"""The package version, read by the build and written into generated code."""

__version__ = "0.2.0"
