"""Teachers: frozen networks in evaluation mode that see the student's images."""

from deit_spec.distill.teachers.teacher import Teacher, check_timm_weights, open_teacher

__all__ = ["Teacher", "check_timm_weights", "open_teacher"]
