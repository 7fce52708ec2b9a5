"""Teachers: frozen networks in evaluation mode that see the student's images."""

from deit_spec.distill.teachers.teacher import Teacher, open_teacher

__all__ = ["Teacher", "open_teacher"]
