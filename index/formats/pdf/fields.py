"""Form fields and annotations of a page → `name: value` at its place, and notes.

A field's name is its alternate name (what a form shows and reads out), else the words left of it
or, of a box to tick, right of it; else its name in the file.
"""

import ctypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .geometry import PageContent, Segment

MAX_ANNOTATIONS = 2_000
"""Of a page; the others are not read."""
_MAX_CHARS = 20_000
_HIDDEN_FLAGS = 1 << 1 | 1 << 5
_PASSWORD_FLAG = 1 << 13
_SPACE = re.compile(r"\s+")
_BLANK_LINE = re.compile(r"[\s_.…:：*]+$")
_OTHER_SIDE = 100.0
"""Points that words on the less usual side of a field count as further away."""
_MAX_LABEL_GAP = 30.0
"""Of the font size: words further away are no field's name."""


@dataclass(frozen=True, slots=True)
class _Widget:
    """A form field on a page: its place from the upper left corner, its names and its value."""

    x0: float
    y0: float
    x1: float
    y1: float
    kind: int
    name: str
    alternate_name: str
    value: str


def read_annotations(library: Any, page: Any, form: Any, content: PageContent) -> None:
    """Adds the page's filled fields to its segments, and its notes to its annotations."""
    raw = library.raw
    widgets: list[_Widget] = []
    for index in range(min(raw.FPDFPage_GetAnnotCount(page.raw), MAX_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        try:
            subtype = raw.FPDFAnnot_GetSubtype(annotation)
            is_hidden = raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN_FLAGS
            if subtype == raw.FPDF_ANNOT_WIDGET:
                widget = _widget(raw, form, annotation, page, content)
                if widget and widget.value:
                    if is_hidden:
                        content.hidden += 1
                    else:
                        widgets.append(widget)
            elif subtype != raw.FPDF_ANNOT_POPUP and not is_hidden:
                text = _clean(_string(raw, annotation, b"Contents"))
                if text and subtype != raw.FPDF_ANNOT_LINK:
                    is_text = subtype == raw.FPDF_ANNOT_FREETEXT
                    content.annotations.append(text if is_text else f"Note: {text}")
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    if widgets:
        content.segments = _with_fields(content.segments, widgets, raw)


def _widget(
    raw: Any, form: Any, annotation: Any, page: Any, content: PageContent
) -> _Widget | None:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation) if form else -1
    if kind in (raw.FPDF_FORMFIELD_PUSHBUTTON, raw.FPDF_FORMFIELD_SIGNATURE):
        return None
    flags = raw.FPDFAnnot_GetFormFieldFlags(form, annotation) if form else 0
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD and flags & _PASSWORD_FLAG:
        return None
    if kind <= 0:
        value, name = _string(raw, annotation, b"V"), _string(raw, annotation, b"T")
        alternate_name = _string(raw, annotation, b"TU")
    else:
        value = _value(raw, form, annotation, kind)
        name = _form_string(raw.FPDFAnnot_GetFormFieldName, form, annotation)
        alternate_name = _form_string(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    box = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, ctypes.byref(box))
    left, bottom, right, top = page.get_bbox()
    places = {
        0: (box.left - left, top - box.top, box.right - left, top - box.bottom),
        90: (box.bottom - bottom, box.left - left, box.top - bottom, box.right - left),
        180: (right - box.right, box.bottom - bottom, right - box.left, box.top - bottom),
        270: (top - box.top, right - box.right, top - box.bottom, right - box.left),
    }
    return _Widget(*places[content.turn], kind, _clean(name), _clean(alternate_name), _clean(value))


def _value(raw: Any, form: Any, annotation: Any, kind: int) -> str:
    if kind == raw.FPDF_FORMFIELD_CHECKBOX:
        return "yes" if raw.FPDFAnnot_IsChecked(form, annotation) else "no"
    if kind == raw.FPDF_FORMFIELD_RADIOBUTTON:
        if not raw.FPDFAnnot_IsChecked(form, annotation):
            return ""
        return _form_string(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation) or "yes"
    if kind in (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
        count = min(raw.FPDFAnnot_GetOptionCount(form, annotation), 1_000)
        chosen = [
            _form_string(raw.FPDFAnnot_GetOptionLabel, form, annotation, index)
            for index in range(count)
            if raw.FPDFAnnot_IsOptionSelected(form, annotation, index)
        ]
        if any(chosen):
            return ", ".join(chosen)
    return _form_string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)


def _with_fields(
    segments: Sequence[Segment], widgets: Sequence[_Widget], raw: Any
) -> list[Segment]:
    """Returns the segments, those that name a field replaced by `name: value`."""
    rows: dict[int, list[int]] = {}
    for index, segment in enumerate(segments):
        rows.setdefault(int((segment.y0 + segment.y1) / 2) // 20, []).append(index)
    size = sorted(s.size for s in segments)[len(segments) // 2] if segments else 10.0
    used: set[int] = set()
    fields: list[Segment] = []
    for widget in widgets:
        near = _near(rows, widget)
        is_box = widget.kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON)
        label = _label(segments, near, widget, used, is_box=is_box)
        used |= {label} if label is not None else set()
        fields.append(_field(widget, None if label is None else segments[label], size, raw))
    kept = [segment for index, segment in enumerate(segments) if index not in used]
    return kept + fields


def _near(rows: dict[int, list[int]], widget: _Widget) -> Iterator[int]:
    first, last = int(widget.y0) // 20 - 2, int(widget.y1) // 20 + 1
    for row in range(first, min(last, first + 100) + 1):
        yield from rows.get(row, ())


def _label(
    segments: Sequence[Segment],
    near: Iterator[int],
    widget: _Widget,
    used: set[int],
    *,
    is_box: bool,
) -> int | None:
    """Returns the index of the nearest words beside a field, else right above it."""
    distances = (
        (distance, index)
        for index in near
        if index not in used
        and (distance := _label_distance(segments[index], widget, is_box=is_box)) is not None
        and distance < _MAX_LABEL_GAP * segments[index].size
    )
    nearest = min(distances, default=None)
    return None if nearest is None else nearest[1]


def _label_distance(segment: Segment, widget: _Widget, *, is_box: bool) -> float | None:
    """Returns how far words are from a field that they may name, in points; None if they don't."""
    overlap = min(segment.y1, widget.y1) - max(segment.y0, widget.y0)
    left, right = widget.x0 - segment.x1, segment.x0 - widget.x1
    if overlap >= 0.4 * min(segment.y1 - segment.y0, widget.y1 - widget.y0):
        if is_box and right > -2:
            return max(right, 0)
        return max(left, 0) + _OTHER_SIDE * is_box if left > -2 else None
    is_above = 0 <= widget.y0 - segment.y1 + 2 < 1.2 * segment.size
    if is_box or not is_above or segment.x0 > widget.x1 or segment.x1 < widget.x0 - 2:
        return None
    return 2 * _OTHER_SIDE + abs(segment.x0 - widget.x0)


def _field(widget: _Widget, label: Segment | None, size: float, raw: Any) -> Segment:
    words = _BLANK_LINE.sub("", label.text) if label is not None else ""
    is_radio = widget.kind == raw.FPDF_FORMFIELD_RADIOBUTTON
    if is_radio:
        name, value = widget.alternate_name or widget.name, words or widget.value
    else:
        name, value = widget.alternate_name or words or widget.name, widget.value
    text = f"{_BLANK_LINE.sub('', name)}: {value}" if name else value
    if label is None:
        y1 = widget.y0 + 1.2 * size
        return Segment(text, widget.x0, widget.y0, widget.x1, y1, size, 0, is_field=True)
    x0, x1 = min(label.x0, widget.x0), max(label.x1, widget.x1)
    return Segment(text, x0, label.y0, x1, label.y1, label.size, label.order, is_field=True)


def _clean(text: str) -> str:
    return _SPACE.sub(" ", text.replace("\0", " ")).strip()[:_MAX_CHARS]


def _string(raw: Any, annotation: Any, key: bytes) -> str:
    length = raw.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    buffer = ctypes.create_string_buffer(length)
    raw.FPDFAnnot_GetStringValue(
        annotation, key, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length
    )
    return buffer.raw[:-2].decode("utf-16-le", "replace")


def _form_string(function: Any, form: Any, annotation: Any, *arguments: int) -> str:
    length = function(form, annotation, *arguments, None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    pointer = ctypes.cast(buffer, function.argtypes[-2])
    function(form, annotation, *arguments, pointer, length)
    return buffer.raw[:-2].decode("utf-16-le", "replace")
