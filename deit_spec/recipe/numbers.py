"""The numbers that the fields of a recipe take."""

from typing import Annotated

from pydantic import Field

NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Part = Annotated[float, Field(gt=0, le=1)]
Statistic = Annotated[
    tuple[float, ...], Field(min_length=1, max_length=4, strict=False)
]
