"""Writes PDF files operator by operator: text at a place, rules, form fields and annotations."""

from collections.abc import Sequence
from dataclasses import dataclass, field

FONTS = ("Helvetica", "Helvetica-Bold", "Courier")
_FONT_OBJECTS = {"F1": 3, "F2": 4, "F3": 5}


@dataclass(slots=True)
class Page:
    """A page's operators and annotations; coordinates are points from the lower left corner."""

    rotate: int = 0
    width: int = 595
    height: int = 842
    operators: list[str] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    """Dictionaries, without their brackets."""

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 10,
        font: str = "F1",
        mode: int = 0,
        angle: int = 0,
    ) -> "Page":
        """Draws the words from (x, y) on; `mode` is the text render mode, 3 draws nothing."""
        a, b = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[angle]
        self.operators.append(
            f"BT {mode} Tr /{font} {size} Tf {a} {b} {-b} {a} {x} {y} Tm ({_escape(words)}) Tj ET"
        )
        return self

    def lines(
        self,
        x: float,
        y: float,
        texts: Sequence[str],
        *,
        leading: float = 13,
        size: float = 10,
        font: str = "F1",
    ) -> "Page":
        """Draws a line of text each `leading` points, downwards."""
        for number, words in enumerate(texts):
            self.text(x, y - leading * number, words, size=size, font=font)
        return self

    def rows(
        self,
        columns: Sequence[float],
        y: float,
        rows: Sequence[Sequence[str]],
        *,
        leading: float = 15,
        size: float = 10,
        bold_rows: int = 0,
    ) -> "Page":
        """Draws the rows of a table, a cell at each x of `columns`; an empty cell draws nothing."""
        for number, cells in enumerate(rows):
            font = "F2" if number < bold_rows else "F1"
            for x, words in zip(columns, cells, strict=False):
                if words:
                    self.text(x, y - leading * number, words, size=size, font=font)
        return self

    def rule(self, x0: float, y0: float, x1: float, y1: float) -> "Page":
        """Draws a line."""
        self.operators.append(f"{x0} {y0} m {x1} {y1} l S")
        return self

    def grid(self, xs: Sequence[float], ys: Sequence[float]) -> "Page":
        """Draws the rules of a table between these columns and rows."""
        for x in xs:
            self.rule(x, ys[0], x, ys[-1])
        for y in ys:
            self.rule(xs[0], y, xs[-1], y)
        return self

    def widget(self, rect: Sequence[float], entries: str) -> "Page":
        """Adds a form field, for example `/FT /Tx /T (name) /V (Petra)`."""
        box = " ".join(map(str, rect))
        self.annotations.append(f"/Type /Annot /Subtype /Widget /F 4 /Rect [{box}] {entries}")
        return self

    def annotation(self, rect: Sequence[float], subtype: str, contents: str) -> "Page":
        """Adds an annotation with these contents."""
        box = " ".join(map(str, rect))
        self.annotations.append(
            f"/Type /Annot /Subtype /{subtype} /F 4 /Rect [{box}] /Contents ({_escape(contents)})"
        )
        return self


def write_pdf(*pages: Page, info: str = "", catalog: str = "") -> bytes:
    """Returns the PDF of these pages; `info` and `catalog` are entries of those dictionaries."""
    objects = [
        "",
        "",
        *(
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
            for name in FONTS
        ),
    ]
    fonts = " ".join(f"/{name} {number} 0 R" for name, number in _FONT_OBJECTS.items())
    kids, fields = [], []
    for page in pages:
        stream = "\n".join(page.operators)
        number = len(objects) + 1
        objects.append(f"<< /Length {len(stream.encode('cp1252'))} >>\nstream\n{stream}\nendstream")
        first = len(objects) + 1
        objects += [f"<< {annotation} >>" for annotation in page.annotations]
        references = [f"{first + index} 0 R" for index in range(len(page.annotations))]
        fields += [r for r, a in zip(references, page.annotations, strict=True) if "/Widget" in a]
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {page.width} {page.height}] "
            f"/Rotate {page.rotate} /Contents {number} 0 R "
            f"/Resources << /Font << {fonts} >> >> /Annots [{' '.join(references)}] >>"
        )
    form = f"/AcroForm << /Fields [{' '.join(fields)}] /DA (/F1 11 Tf 0 g) >>" if fields else ""
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {form} {catalog} >>"
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    return _serialize([*objects, f"<< {info} >>"], info_number=len(objects) + 1)


def _serialize(objects: Sequence[str], info_number: int) -> bytes:
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    rows = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info {info_number} 0 R >>"
    return (
        body
        + (
            f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}"
            f"trailer {trailer}\nstartxref\n{len(body)}\n%%EOF\n"
        ).encode()
    )


def _escape(words: str) -> str:
    return words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
