"""How large the pictures of a PDF are shown, read from what its pages draw.

Source: PDF 32000-1, graphics state and XObjects.
"""

from dataclasses import dataclass
from math import hypot
from typing import Any

import pikepdf

DEEPEST = 8
"""Forms inside forms that are followed."""
MOST_STEPS = 2_000_000
"""Instructions of one page that are looked at."""
MOST_FORMS = 5_000
"""Forms of one page that are followed; each is read anew."""

Number = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """The largest size at which a picture is shown, in points."""

    width: float
    height: float

    def ppi(self, pixels: tuple[int, int]) -> float:
        """Return pixels per inch; the finer of the two directions."""
        across = pixels[0] * 72 / self.width if self.width else 0.0
        down = pixels[1] * 72 / self.height if self.height else 0.0
        return max(across, down)


def shown_sizes(page: pikepdf.Page) -> dict[Number, Shown]:
    """Return the size of each picture that a page draws, by its object number."""
    tracer = _Tracer()
    tracer.follow(page.obj, page.resources, pikepdf.Matrix(), 0)
    return tracer.found


class _Tracer:
    def __init__(self) -> None:
        self.found: dict[Number, Shown] = {}
        self._steps = self._forms = 0

    def follow(self, content: Any, resources: Any, matrix: pikepdf.Matrix, depth: int) -> None:
        """Carry the matrix through a page's or form's instructions."""
        named = resources.get("/XObject", {}) if resources is not None else {}
        stack = [matrix]
        for step in pikepdf.parse_content_stream(content, "q Q cm Do"):
            operands: Any = step.operands
            self._steps += 1
            if self._steps > MOST_STEPS:
                return
            name = str(step.operator)
            if name == "q":
                stack.append(stack[-1])
            elif name == "Q" and len(stack) > 1:
                stack.pop()
            elif name == "cm" and len(operands) == 6:
                stack[-1] = pikepdf.Matrix(*(float(each) for each in operands)) @ stack[-1]
            elif name == "Do" and operands and (drawn := named.get(str(operands[0]))) is not None:
                self._draw(drawn, resources, stack[-1], depth)

    def _draw(self, drawn: Any, resources: Any, matrix: pikepdf.Matrix, depth: int) -> None:
        kind = drawn.get("/Subtype")
        if kind == "/Form" and depth < DEEPEST and self._forms < MOST_FORMS:
            self._forms += 1
            own = drawn.get("/Matrix")
            inner = pikepdf.Matrix(own) @ matrix if own is not None else matrix
            self.follow(drawn, drawn.get("/Resources", resources), inner, depth + 1)
        elif kind == "/Image":
            size = Shown(hypot(matrix.a, matrix.b), hypot(matrix.c, matrix.d))
            before = self.found.get(drawn.objgen, Shown(0, 0))
            self.found[drawn.objgen] = Shown(
                max(size.width, before.width), max(size.height, before.height)
            )
