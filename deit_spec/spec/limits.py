"""The largest model that a spec may describe.

Well above any that was ever trained, and small enough that every answer comes
in seconds.
"""

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.spec.places import Places
from deit_spec.spec.schema import DeiTSpec

LARGEST: dict[str, int] = {
    "image_size": 65_536,
    "patch_size": 65_536,
    "in_channels": 65_536,
    "embed_dim": 1_048_576,
    "depth": 20_000,
    "num_heads": 1_048_576,
    "mlp_ratio": 1_024,
    "num_classes": 1_000_000_000,
    "teacher_num_classes": 1_000_000_000,
}


def find_excess(
    spec: DeiTSpec, places: Places, invalid: set[str]
) -> dict[str, Diagnostic]:
    """DS212, by field: sizes far above any model are refused at once."""
    found: dict[str, Diagnostic] = {}
    for field, largest in LARGEST.items():
        value = getattr(spec, field)
        if field in invalid or value is None or value <= largest:
            continue
        found[field] = diagnose(
            "DS212",
            f"{field} passes the limit of {largest:,}",
            Label(places.value(field), f"at most {largest:,}"),
            helps=[f"`{field}: {largest}` or less"],
        )
    return found
