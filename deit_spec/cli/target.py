"""What a model is made for, as an option; not every command makes a graph."""

from typing import Annotated

import typer

from deit_spec.graph import Target

TargetOption = Annotated[
    Target, typer.Option("--target", help="What the model is for.")
]
