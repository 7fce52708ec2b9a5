"""The best evaluation of a run: its step, its scores and the weights it had."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from deit_spec.distill.evaluation import HEADS, HeadScores, Scores, heads_of

_FIELDS = ("top1", "top5", "nll", "ece")
_STEP, _LAST, _MISSES, _IMAGES, _SECONDS, _FIRST = range(6)
"""The places in the record; the fields of each head follow, NaN for none."""


class BestResult:
    """The best evaluation so far; `weights` are empty if only the scores matter."""

    def __init__(self, weights: Sequence[Tensor] = ()) -> None:
        self.weights = [each.cpu().clone() for each in weights]
        size = _FIRST + len(HEADS) * len(_FIELDS)
        self.record = torch.full((size,), math.nan, dtype=torch.float64)
        self.record[:_IMAGES] = 0

    @property
    def step(self) -> int:
        """The steps done at the best evaluation; 0 before the first one."""
        return int(self.record[_STEP])

    @property
    def misses(self) -> int:
        """The number of evaluations since the best one."""
        return int(self.record[_MISSES])

    @property
    def scores(self) -> Scores | None:
        """The scores of the best evaluation; None before the first one."""
        if not self.step:
            return None
        rows = self.record[_FIRST:].view(len(HEADS), len(_FIELDS)).tolist()
        cls, dist, fused = (
            None if math.isnan(row[0]) else HeadScores(*row) for row in rows
        )
        assert cls is not None  # noqa: S101  -- every evaluation has it
        images, seconds = int(self.record[_IMAGES]), float(self.record[_SECONDS])
        return Scores(cls, dist, fused, images, seconds)

    def update(self, step: int, scores: Scores, result: Iterable[Tensor]) -> None:
        """Compare the evaluation after a step, unless that was compared before.

        `result` has the weights; every process iterates them or none.
        """
        if step <= self.record[_LAST]:
            return
        self.record[_LAST] = step
        best = self.scores
        if best is not None and scores.answer.top1 <= best.answer.top1:
            self.record[_MISSES] += 1
            return
        heads = heads_of(scores)
        numbers = [
            getattr(heads[name], field) if name in heads else math.nan
            for name in HEADS
            for field in _FIELDS
        ]
        start = [step, step, 0, scores.images, scores.seconds]
        self.record.copy_(torch.tensor([*start, *numbers], dtype=torch.float64))
        if self.weights:
            for kept, value in zip(self.weights, result, strict=True):
                kept.copy_(value)
