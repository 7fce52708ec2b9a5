"""What each field takes, read from the schema."""

from deit_spec.spec.schema import DeiTSpec, Variant

TOP = tuple(DeiTSpec.model_fields)
VARIANT = tuple(Variant.model_fields)


def default_of(path: tuple[str, ...]) -> object:
    """The default of the field at a path."""
    model = Variant if path[0] == "variant" and len(path) > 1 else DeiTSpec
    return model.model_fields[path[-1]].get_default(call_default_factory=True)
