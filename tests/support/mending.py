"""Follows the helps of findings to the letter, as an editor would.

`follow` carries out one of the alternatives that a help offers on the text of the
spec, knowing nothing but the help and the finding's place.
"""

import json
import re

from deit_spec import DeiTSpec, Variant
from deit_spec.diagnostics import Diagnostic, Span
from support.helps import QUOTED, Step
from support.spec_text import BREAK, Text, path_of


def follow(text: str, finding: Diagnostic, step: Step) -> str:
    """Carry out one alternative of a finding's help."""
    editor = Editor(text)
    getattr(editor, f"_{step.verb.replace(' ', '_')}")(finding, step)
    return editor.text


def _in(span: Span) -> str:
    return f"t.yaml:{span.line}:{span.column}"


class Editor(Text):
    """What each verb of a help does, in a method of its name."""

    def _set(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.offsets(finding.primary.span)
        if finding.code == "DS001":
            self.cut(start, end, f"{step.key}: {step.value}")
        else:
            self.set(path_of(step.key), step.value)

    def _rename(self, finding: Diagnostic, step: Step) -> None:
        span = finding.primary.span
        document = self.document()
        assert document is not None
        place = next(
            p for p, e in document.spans.items() if str(e.key) == str(_in(span))
        )
        start, end = self.offsets(document.spans[place].value)
        value = self.text[start:end]
        path = path_of(step.key)
        if len(path) == len(place):
            self.cut(*self.offsets(span), path[-1])
            return
        self.remove_pair(tuple(map(str, place)))
        self.set(path, value)

    def _replace(self, finding: Diagnostic, step: Step) -> None:
        self.cut(*self.offsets(finding.primary.span), step.key)

    def _replace_value(self, finding: Diagnostic, step: Step) -> None:
        first, last = self.line(self.offsets(finding.primary.span)[0])
        value = json.loads(step.key)
        start = self.text.index(value, first, last)
        self.cut(start, start + len(value), step.key)

    def _untab(self, finding: Diagnostic, step: Step) -> None:
        def spaces(found: re.Match[str]) -> str:
            return found.group().replace("\t", "  ")

        self.text = re.sub(r"(?m)^\s*?\t\s*?(?=\S)", spaces, self.text)

    def _remove(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.offsets(finding.primary.span)
        if finding.code == "DS007":
            return self._remove_pair(finding, step)
        if finding.code == "DS008":
            return self._remove_line(finding, step)
        more = re.match(r" *", self.text[end:])
        self.cut(start, end + (more.end() if more else 0))
        return None

    def _remove_pair(self, finding: Diagnostic, step: Step) -> None:
        span = finding.primary.span
        document = self.document()
        assert document is not None
        near = [
            p
            for p, e in document.spans.items()
            if p and _in(span) in (str(e.key), str(e.value))
        ]
        path = tuple(map(str, near[0])) if near else ()
        self.remove_pair(path, span)

    def _remove_line(self, finding: Diagnostic, step: Step) -> None:
        labels = [finding.primary, *finding.secondary]
        first = min(self.offsets(label.span)[0] for label in labels)
        start, end = self.line(first)
        self.cut(start, end + 1)

    def _write_out(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.offsets(finding.primary.span)
        name = self.text[start + 1 : end]
        anchor = re.search(rf"&{re.escape(name)} +(\S+)", self.text)
        assert anchor is not None
        self.cut(start, end, anchor[1])

    def _close(self, finding: Diagnostic, step: Step) -> None:
        """Where the bracket opens, or at the end, and before a comma there."""
        at = self.offsets(finding.primary.span)[0]
        if self.text[at : at + 1] not in ("[", "{"):
            at = len(self.text.rstrip())
        end = self.line(at)[1]
        end -= self.text[at:end].endswith(",")
        self.cut(end, end, step.key)

    def _close_text(self, finding: Diagnostic, step: Step) -> None:
        end = self.line(self.offsets(finding.primary.span)[0])[1]
        self.cut(end, end, step.key)

    def _close_before(self, finding: Diagnostic, step: Step) -> None:
        start = self.offsets(finding.primary.span)[0]
        end = self.line(start)[1]
        find = self.text.rindex if step.value == "," else self.text.index
        at = find(step.value, start, end)
        self.cut(at, at, step.key)

    def _cut_value(self, finding: Diagnostic, step: Step) -> None:
        above = self.line(self.offsets(finding.primary.span)[0])[0] - 1
        at = self.text.rindex(step.key, 0, above)
        self.cut(at, at + len(step.key))

    def _unwrap(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.offsets(finding.primary.span)
        inside = self.text[self.text.index("(", start) + 1 : end - 1]
        self.cut(self.text.index("(", start), end, inside.split(",")[0])

    def _wrap(self, finding: Diagnostic, step: Step) -> None:
        first, last = self.line(self.offsets(finding.primary.span)[0])
        start = self.text.index(step.key, first, last)
        self.cut(start, start + len(step.key), f"{{{step.key}}}")

    def _lift(self, finding: Diagnostic, step: Step) -> None:
        document = self.document()
        assert document is not None
        entry = document.spans[step.key,]
        key, (start, end) = self.offsets(entry.key)[0], self.offsets(entry.value)
        mapping = self.text[start:end]
        if not mapping.startswith("{"):
            mapping = re.sub(r"(?m)^  ", "", mapping)
        self.cut(key, end, mapping.strip("{}").replace(", ", "\n"))

    def _set_value(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.line(self.offsets(finding.primary.span)[0])
        self.cut(self.text.index(": ", start) + 2, end, step.key)

    def _fill(self, finding: Diagnostic, step: Step) -> None:
        """What the value was to be is not known; the default is one."""
        start, end = self.offsets(finding.primary.span)
        key = re.findall(r"\w+", self.text[:start])[-1]
        fields = {**Variant.model_fields, **DeiTSpec.model_fields}
        self.cut(start, end, str(fields[key].default))

    def _space(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.offsets(finding.primary.span)
        blank = chr(int(step.key, 16))
        self.cut(start, end, self.text[start:end].replace(blank, " "))

    def _uncomment(self, finding: Diagnostic, step: Step) -> None:
        start = self.offsets(finding.primary.span)[0]
        self.cut(start, self.text.index("*/", start) + 2)

    def _uncomment_head(self, finding: Diagnostic, step: Step) -> None:
        at = self.text.rindex(f"{step.key}:", 0, self.offsets(finding.primary.span)[0])
        self.cut(self.line(at)[0] + self.text[self.line(at)[0] : at].index("#"), at)

    def _untab_line(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.line(self.offsets(finding.primary.span)[0])
        self.cut(start, end, self.text[start:end].lstrip(" \t"))

    def _indent(self, finding: Diagnostic, step: Step) -> None:
        start, _ = self.line(self.offsets(finding.primary.span)[0])
        lines = [line.start() for line in re.finditer(r"(?m)^", self.text)]
        other = lines[int(step.key) - 1] if step.key else self.line(start - 1)[0]
        above = self.text[other:]
        depth = len(above) - len(above.lstrip(" "))
        here = self.text[start:]
        self.cut(start, start + len(here) - len(here.lstrip(" \t")), " " * depth)

    def _indent_lines(self, finding: Diagnostic, step: Step) -> None:
        """As the last line above them, all by as much."""
        lines = self.text.splitlines(keepends=True)
        first, last = int(step.key) - 1, int(step.value)
        above = next(
            x for x in reversed(lines[:first]) if x.strip()[:1] not in ("", "#")
        )
        depth, here = (len(x) - len(x.lstrip(" ")) for x in (above, lines[first]))
        block = [" " * depth + line[here:] for line in lines[first:last]]
        self.text = "".join([*lines[:first], *block, *lines[last:]])

    def _double(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.line(self.offsets(finding.primary.span)[0])
        self.cut(start, end, self.text[start:end].replace("\\", "\\\\"))

    def _cut(self, finding: Diagnostic, step: Step) -> None:
        self.cut(self.offsets(finding.primary.span)[0], len(self.text))

    def _shorten(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.offsets(finding.primary.span)
        self.cut(start, end, self.text[start : start + int(step.key)])

    def _undash(self, finding: Diagnostic, step: Step) -> None:
        self.text = re.sub(r"(?m)^( *)- ", r"\1", self.text)

    def _write_anew(self, finding: Diagnostic, step: Step) -> None:
        self.text = f"{step.key}\n"

    def _put_below(self, finding: Diagnostic, step: Step) -> None:
        self.cut(*self.offsets(finding.primary.span), step.key)

    def _put_lines(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.offsets(finding.primary.span)
        begun = self.text[self.line(start)[0] : start]
        indent = "\n" + " " * (2 if begun.strip() else len(begun))
        lines = indent.join(QUOTED.findall(step.key))
        self.cut(start, end, f"{indent if begun.strip() else ''}{lines}")

    def _write_line(self, finding: Diagnostic, step: Step) -> None:
        start = self.offsets(finding.primary.span)[0]
        self.cut(start, self.line(start)[1], step.key)

    def _put_in_place(self, finding: Diagnostic, step: Step) -> None:
        self._remove_pair(finding, step)
        self.set(path_of(step.key), step.value)

    def _break(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.line(self.offsets(finding.primary.span)[0])
        at = self.text.index(step.key, start, end)
        self.cut(at, at, "\n")

    def _break_below(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.line(self.offsets(finding.primary.span)[0])
        at = self.text.index(step.key, start, end)
        self.cut(at, at, "\n  ")

    def _join(self, finding: Diagnostic, step: Step) -> None:
        start, end = self.line(self.offsets(finding.primary.span)[0])
        key = self.text.rindex(f"{step.key}:", 0, start)
        self.cut(key, end, f"{step.key}: {step.value}")

    def _undash_line(self, finding: Diagnostic, step: Step) -> None:
        start, end = self._numbered(step.key)
        line = self.text[start:end]
        dash = line.index("-")
        bare = line[dash + 1 :].lstrip(" ")
        place = self.offsets(finding.primary.span)[0]
        here = place - self.line(place)[0]
        self.cut(start, end, " " * here + bare)

    def _dedent(self, finding: Diagnostic, step: Step) -> None:
        lines = self.text.splitlines(keepends=True)
        first, last = int(step.value) - 1, int(step.more)
        block = [
            line.removeprefix(" " * int(step.key or 1)) for line in lines[first:last]
        ]
        self.text = "".join([*lines[:first], *block, *lines[last:]])

    def _numbered(self, number: str) -> tuple[int, int]:
        starts = [0, *(found.end() for found in BREAK.finditer(self.text))]
        return self.line(starts[int(number) - 1])

    def _recode(self, finding: Diagnostic, step: Step) -> None:
        """Whoever reads the text has decoded it, and whoever saves it takes UTF-8."""

    def _leave_out(self, finding: Diagnostic, step: Step) -> None:
        self.remove_pair(path_of(step.key))
