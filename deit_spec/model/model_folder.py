"""Open a model: a folder or a file with spec, weights, preprocessing and class names.

It is a run, a folder of transformers or timm, a safetensors file of ours, or an
exported file. The spec of a run is read without torch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.diagnostics.printable import listed
from deit_spec.diagnostics.printable import reason_of as os_reason
from deit_spec.model.class_names import (
    ClassNamesError,
    class_names_of_weights,
    match_model_classes,
    read_model_names,
    source_of_names,
)
from deit_spec.model.exported_interface import ExportedInterface
from deit_spec.model.library_preprocessing import from_timm, from_transformers
from deit_spec.model.preprocessing import (
    Preprocessing,
    PreprocessingError,
    preprocessing_of,
    reason_of,
)
from deit_spec.recipe import RecipeError, check_recipe
from deit_spec.recipe import run_files as files
from deit_spec.recipe.class_matching import Relation
from deit_spec.recipe.run_files import CONFIG, PREPROCESSOR
from deit_spec.spec import Checked, DeiTSpec, check_spec
from deit_spec.spec.origin import EXPORTED_SUFFIXES, SUFFIXES, is_published
from deit_spec.spec.schema import plain_name

if TYPE_CHECKING:
    from deit_spec.weights import Checkpoint

ASSUMED: Final = "DS423"
MODEL_TYPES: Final = ("deit", "vit")
"""The architectures of transformers that a spec describes."""
WITHOUT_TRAINING: Final = ("teacher=null", "loss.kind=none", "student.weights=null")
"""Overrides that remove the files from a recipe that only training needs."""
_KNOWN: Final = (
    f"a run has {files.SPEC} and {files.RECIPE}",
    f"a folder of transformers has {CONFIG} with `model_type`",
    f"a folder of timm has {CONFIG} with `architecture` and `pretrained_cfg`",
    f"the {files.WEIGHTS} of a run has the spec in its metadata",
    "so does a file of `deit-spec export`",
)


class Kind(Enum):
    """What a model is stored as."""

    RUN = "run"
    HF = "hf"
    TIMM = "timm"
    FILE = "file"
    EXPORTED = "exported"


class ModelFolderError(DiagnosedError, ValueError):
    """A model cannot be used. `diagnostics` holds every finding."""

    headline = "the model cannot be used"


@dataclass(frozen=True)
class ModelFolder:
    """A model without errors: what it is stored as, and its four parts.

    `checked` is its spec with the findings about it. `weights` is what
    `open_checkpoint` opens, or the exported file. `classes` is None if the model has
    no class names, and `diagnostics` says what was assumed. `interface` is what an
    exported file takes and returns, and None for other models.
    """

    path: Path
    kind: Kind
    checked: Checked
    weights: Path
    preprocessing: Preprocessing
    classes: tuple[str, ...] | None
    diagnostics: tuple[Diagnostic, ...] = ()
    interface: ExportedInterface | None = None

    @property
    def spec(self) -> DeiTSpec:
        """The spec."""
        assert self.checked.spec is not None  # noqa: S101  -- see `open_model_folder`
        return self.checked.spec


class _Config(BaseModel):
    """The keys that are read from a `config.json` of transformers or timm."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model_type: str | None = None
    architecture: str | None = None
    num_classes: int | None = None
    pretrained_cfg: dict[str, Any] | None = None


def kind_of(path: Path) -> Kind:
    """Recognise a model by the files in its folder.

    Raises:
        ModelFolderError: It is none of the known kinds (DS426).
        WeightsError: Its `config.json` is damaged.
    """
    if not path.is_dir():
        is_name = is_published(str(path)) and not path.exists()
        if is_name or path.suffix in SUFFIXES:
            kind = "a published spec" if is_name else "a spec"
            message = f"{path} is {kind}, not a model: it has no weights"
            helps = ["`deit_spec.load` builds a spec, with new or with other weights"]
            raise _refusal("DS426", message, path, notes=_KNOWN, helps=helps)
        is_exported = path.suffix.lower() in EXPORTED_SUFFIXES
        return Kind.EXPORTED if is_exported else Kind.FILE
    run = (files.RECIPE, files.METRICS, files.WEIGHTS, files.CLASSES)
    if (path / files.SPEC).is_file() and any((path / name).is_file() for name in run):
        return Kind.RUN
    if (path / CONFIG).is_file():
        config = _read_config(path)
        if config.architecture is not None:
            return Kind.TIMM
        if config.model_type in MODEL_TYPES:
            return Kind.HF
        found = f"{CONFIG} has no `model_type`"
        if config.model_type is not None:
            found = f"`model_type` is `{config.model_type}` in {CONFIG}"
        wanted = " and ".join(f"`{each}`" for each in MODEL_TYPES)
        message = f"{found}; only {wanted} are supported"
        raise _refusal("DS426", message, path / CONFIG)
    if (path / files.WEIGHTS).is_file():
        return Kind.FILE
    message = "the folder is not a known kind of model"
    raise _refusal("DS426", message, path, notes=_KNOWN)


def check_folder(path: Path) -> Checked:
    """Check the spec of a model, without its preprocessing and class names.

    Raises:
        DiagnosedError: It is none of the known kinds, or a file of it is damaged.
    """
    return _check_kind(path, kind_of(path))


def open_model_folder(path: Path, weights: Path | None = None) -> ModelFolder:
    """Open a model: its spec, where its weights are, its preprocessing and classes.

    `weights` are used in place of its own, which a run need not have then.

    Raises:
        DiagnosedError: It is none of the known kinds (DS426), its parts contradict
            each other (DS425), its spec has errors, or a file of it is damaged.
    """
    kind = kind_of(path)
    if kind is Kind.EXPORTED:
        return _open_exported(path, weights)
    checked = _check_kind(path, kind)
    if checked.spec is None:
        raise ModelFolderError(checked.diagnostics)
    if kind is Kind.RUN and weights is not None:
        return _open_run_with(path, checked, checked.spec, weights)
    if kind is Kind.RUN and not (path / files.WEIGHTS).is_file():
        message = f"the run is not finished: it has no {files.WEIGHTS}"
        raise _refusal("DS426", message, path)
    is_ours = kind in {Kind.RUN, Kind.FILE}
    opened = (_open_ours if is_ours else _open_theirs)(
        path, kind, checked, checked.spec
    )
    return replace(opened, weights=weights or opened.weights)


def _open_exported(path: Path, weights: Path | None) -> ModelFolder:
    from deit_spec.model.exported_file import read_exported  # noqa: PLC0415  -- torch

    if weights is not None:
        message = "an exported file has its own weights, and others cannot be used"
        raise _refusal("DS608", message, path, notes=[f"the weights are {weights}"])
    found = read_exported(path)
    return ModelFolder(
        path,
        Kind.EXPORTED,
        found.checked,
        path,
        found.preprocessing,
        found.classes,
        interface=found.interface,
    )


def open_if_model(path: Path) -> ModelFolder | None:
    """Open weights as a model; None if they do not describe themselves.

    Raises:
        DiagnosedError: They describe themselves, but they cannot be used.
    """
    from deit_spec.weights import safetensors_file, spec_metadata  # noqa: PLC0415

    metadata = safetensors_file.metadata_of
    if not path.is_dir() and spec_metadata.SPEC not in metadata(path):
        return None
    try:
        return open_model_folder(path)
    except DiagnosedError as error:
        if all(each.code == "DS426" for each in error.diagnostics):
            return None
        raise


def _open_run_with(
    path: Path, checked: Checked, spec: DeiTSpec, weights: Path
) -> ModelFolder:
    """Open a run with other weights, which may have their own classes and images."""
    classes = _class_names(path, spec)
    theirs = open_if_model(weights)
    own = class_names_of_weights(weights)
    if own is None or len(own) != spec.num_classes:
        pass  # beside the names of another model
    elif classes is None:
        classes = own
    elif match_model_classes(classes, own).relation is Relation.DIFFERENT:
        raise _other_names(source_of_names(path), classes, own, weights)
    else:
        classes = own
    sizes = [
        (each.image_size, each.in_channels)
        for each in (spec, *([theirs.spec] if theirs else []))
    ]
    if theirs is not None and sizes[0] == sizes[1]:
        preprocessing = theirs.preprocessing
    else:
        preprocessing = _recipe_preprocessing(path, spec)
    return ModelFolder(path, Kind.RUN, checked, weights, preprocessing, classes)


def _other_names(
    place: Path, names: Sequence[str], own: Sequence[str], weights: Path
) -> ModelFolderError:
    """DS425: the classes of a run are not those that its weights have."""
    message = f"the classes are {listed(names)}, but the weights have {listed(own)}"
    return _refusal("DS425", message, place, notes=[f"the weights are {weights}"])


def _check_kind(path: Path, kind: Kind) -> Checked:
    if kind is Kind.RUN:
        return check_spec(path / files.SPEC)
    if kind is Kind.EXPORTED:
        return _open_exported(path, None).checked
    from deit_spec.weights import inspect, open_checkpoint  # noqa: PLC0415  -- torch

    weights = weights_of(path, kind)
    checkpoint = open_checkpoint(weights)
    if kind is Kind.FILE:
        return _check_file(checkpoint, weights)
    found = inspect(checkpoint)
    checked = check_spec({**found.values, "name": plain_name(path.resolve().name)})
    return replace(checked, diagnostics=(*found.diagnostics, *checked.diagnostics))


def weights_of(path: Path, kind: Kind | None = None) -> Path:
    """What `open_checkpoint` opens: the file of ours, or the folder of a library."""
    is_ours = (kind or kind_of(path)) in {Kind.RUN, Kind.FILE}
    return path / files.WEIGHTS if path.is_dir() and is_ours else path


def _check_file(checkpoint: "Checkpoint", path: Path) -> Checked:
    """Check the spec in the metadata of a file, and that it is that of the weights."""
    from deit_spec.lowering import lower  # noqa: PLC0415  -- not for a run
    from deit_spec.weights import make_plan, spec_metadata  # noqa: PLC0415

    checked = spec_metadata.check_metadata(checkpoint.metadata, str(path))
    if checked is None:
        helps = [
            "name the folder, if it has files that describe the model",
            f"`deit-spec weights inspect {path}` prints a spec that fits",
            "on a command line SPEC comes first, and then the checkpoint",
        ]
        message = f"the file has no spec in its metadata ({spec_metadata.SPEC})"
        raise _refusal("DS426", message, path, notes=_KNOWN, helps=helps)
    if checked.spec is not None:
        spec_metadata.require_same(make_plan(lower(checked.spec), checkpoint))
    return checked


def _open_ours(path: Path, kind: Kind, checked: Checked, spec: DeiTSpec) -> ModelFolder:
    """Open a run, or a file of ours; the files of a run say more than metadata."""
    from deit_spec.weights import open_checkpoint, spec_metadata  # noqa: PLC0415

    weights = weights_of(path, kind)
    metadata = open_checkpoint(weights).metadata
    inside = spec_metadata.check_metadata(metadata, str(weights))
    if kind is Kind.RUN and inside is not None:
        digest = inside.spec and inside.spec.digest
        if digest != spec.digest:
            message = f"{files.SPEC} differs from the spec stored in {files.WEIGHTS}"
            notes = [f"their digests are {spec.digest} and {digest}"]
            raise _refusal("DS425", message, path / files.SPEC, notes=notes)
    text = metadata.get(spec_metadata.PREPROCESSING)
    if text is not None:
        preprocessing = metadata_preprocessing(text, spec, weights)
    elif kind is Kind.RUN:
        preprocessing = _recipe_preprocessing(path, spec)
    else:
        preprocessing = preprocessing_of(spec)
    classes, own = _class_names(path, spec), _names_in(weights, spec)
    if classes is not None and own is not None and own != classes:
        raise _other_names(source_of_names(path), classes, own, weights)
    return ModelFolder(path, kind, checked, weights, preprocessing, classes)


def metadata_preprocessing(text: str, spec: DeiTSpec, path: Path) -> Preprocessing:
    """Read the preprocessing in the metadata of the weights of a spec.

    Raises:
        ModelFolderError: It is damaged, or of another model (DS425).
    """
    try:
        found = Preprocessing.from_json(text)
    except PreprocessingError as error:
        message = f"the preprocessing in the metadata is damaged: {error}"
        raise _refusal("DS425", message, path) from None
    for name, value, wanted in (
        ("size", found.size, spec.image_size),
        ("number of channels", found.channels, spec.in_channels),
    ):
        if value != wanted:
            message = f"the {name} in the preprocessing is {value}, and that of the "
            raise _refusal("DS425", f"{message}spec is {wanted}", path)
    return found


def _recipe_preprocessing(path: Path, spec: DeiTSpec) -> Preprocessing:
    """The preprocessing of a run by its recipe, for weights without metadata."""
    if not (path / files.RECIPE).is_file():
        return preprocessing_of(spec)
    found = check_recipe(path / files.RECIPE, WITHOUT_TRAINING)
    if found.recipe is None:
        raise RecipeError(found.diagnostics)
    return preprocessing_of(spec, found.recipe)


def _open_theirs(
    path: Path, kind: Kind, checked: Checked, spec: DeiTSpec
) -> ModelFolder:
    """Open a folder of transformers or timm."""
    config = _read_config(path)
    assumed = tuple(each for each in checked.diagnostics if each.code == ASSUMED)
    size, channels, place = spec.image_size, spec.in_channels, path / CONFIG
    try:
        if kind is Kind.TIMM:
            preprocessing = from_timm(
                config.pretrained_cfg or {}, size=size, channels=channels
            )
        elif (path / PREPROCESSOR).is_file():
            place = path / PREPROCESSOR
            preprocessing = from_transformers(
                _read_json(place),
                size=size,
                channels=channels,
                model_type=config.model_type or "",
            )
        else:
            preprocessing = preprocessing_of(spec)
            assumed = (*assumed, assumed_preprocessing(path, preprocessing))
    except PreprocessingError as error:
        message = f"the preprocessing cannot be used: {error}"
        raise _refusal("DS425", message, place) from None
    classes = _class_names(path, spec)
    if config.num_classes and config.num_classes != spec.num_classes:
        theirs = f"num_classes is {config.num_classes:,} in {CONFIG}"
        raise _refusal(
            "DS425", f"{theirs} and {spec.num_classes} in the weights", place
        )
    return ModelFolder(path, kind, checked, path, preprocessing, classes, assumed)


def assumed_preprocessing(path: Path, found: Preprocessing) -> Diagnostic:
    """DS423: the preprocessing of the weights at `path` is not known."""
    mean, std = (", ".join(map(str, each)) for each in (found.mean, found.std))
    message = "the preprocessing is assumed to be that of ImageNet"
    values = f"mean {mean}; std {std}; crop {found.crop}; {found.interpolation}"
    notes = [f"there is no {PREPROCESSOR}", values]
    return diagnose(ASSUMED, message, Label(Span.of_file(path)), notes=notes)


def _class_names(path: Path, spec: DeiTSpec) -> tuple[str, ...] | None:
    """The names of the classes of a model, as many as its spec has."""
    return None if spec.num_classes is None else _names_in(source_of_names(path), spec)


def _names_in(file: Path, spec: DeiTSpec) -> tuple[str, ...] | None:
    """The names of the classes in a file of a model."""
    try:
        names = read_model_names(file)
    except ClassNamesError as error:
        raise _refusal("DS425", str(error), file) from None
    if names is not None and len(names) != spec.num_classes:
        message = f"there are {len(names):,} class names, but the model has "
        raise _refusal("DS425", f"{message}{spec.num_classes or 0:,} classes", file)
    return names


def _read_config(path: Path) -> _Config:
    from deit_spec.weights.weight_findings import damaged  # noqa: PLC0415

    try:
        return _Config.model_validate(_read_json(path / CONFIG))
    except ValidationError as error:
        raise damaged(str(path / CONFIG), reason_of(error)) from None


def _read_json(path: Path) -> Mapping[str, Any]:
    from deit_spec.weights.read import read_json  # noqa: PLC0415  -- torch
    from deit_spec.weights.weight_findings import refuse  # noqa: PLC0415

    try:
        return read_json(path)
    except OSError as error:
        message = f"the file cannot be read: {os_reason(error)}"
        raise refuse("DS401", message, str(path)) from None


def _refusal(
    code: str,
    message: str,
    path: Path,
    *,
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> ModelFolderError:
    place = Label(Span.of_file(path))
    found = diagnose(code, message, place, notes=notes, helps=helps)
    return ModelFolderError([found])
