"""Teachers: frozen, in evaluation mode, seeing what the student sees."""

from deit_spec.distill.teachers.base import Teacher
from deit_spec.distill.teachers.opening import open_teacher

__all__ = ["Teacher", "open_teacher"]
