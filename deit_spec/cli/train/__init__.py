"""`deit-spec train`: a student learns as a recipe says."""

from deit_spec.cli.train.command import run

__all__ = ["run"]
