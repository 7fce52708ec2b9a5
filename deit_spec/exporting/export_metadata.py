"""What an exported file says about itself."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

from deit_spec.distill.training.run_folder import as_yaml
from deit_spec.exporting.prepared_model import PreparedModel
from deit_spec.model.exported_interface import (
    INTERFACE,
    METADATA_DIGEST,
    TORCH,
    WEIGHTS_DIGEST,
    YAML,
    metadata_digest,
)
from deit_spec.weights.spec_metadata import make_metadata, resolved_spec


def export_metadata(prepared: PreparedModel) -> dict[str, str]:
    """The metadata of a file: spec, preprocessing, classes, interface and digests."""
    spec, images = prepared.spec, prepared.preprocessing.to_json()
    metadata = {
        **make_metadata(spec, images, prepared.classes),
        INTERFACE: prepared.interface.to_json(),
        YAML: as_yaml(resolved_spec(spec)),
        WEIGHTS_DIGEST: weights_digest(prepared.reference.state_dict()),
        TORCH: torch.__version__,
    }
    return {**metadata, METADATA_DIGEST: metadata_digest(metadata)}


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """The SHA-256 of names, dtypes, shapes and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        title = f"{name} {tensor.dtype} {list(tensor.shape)}\n"
        digest.update(title.encode())
        digest.update(tensor.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
