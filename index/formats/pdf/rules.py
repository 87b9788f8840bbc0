"""The drawn objects of a page → its rules, its filled areas and how much of it images cover."""

import ctypes
from typing import Any

from .geometry import Rule

MAX_OBJECTS = 5_000
"""Page objects, and points of paths, of a page in which rules are looked for."""


def read_objects(raw: Any, page: Any, page_area: float) -> tuple[list[Rule], list[Rule], float]:
    """Returns rules, boxes of what is drawn, and the largest image's share of the page's area."""
    rules: list[Rule] = []
    areas: list[Rule] = []
    image_share = 0.0
    points = MAX_OBJECTS
    for index in range(min(raw.FPDFPage_CountObjects(page), MAX_OBJECTS)):
        page_object = raw.FPDFPage_GetObject(page, index)
        kind = raw.FPDFPageObj_GetType(page_object)
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            continue
        bounds = [ctypes.c_float() for _ in range(4)]
        if not raw.FPDFPageObj_GetBounds(page_object, *map(ctypes.byref, bounds)):
            continue
        area = Rule(*(value.value for value in bounds))
        areas.append(area)
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            share = (area.x1 - area.x0) * (area.y1 - area.y0) / page_area
            image_share = max(image_share, share)
        elif kind == raw.FPDF_PAGEOBJ_PATH and points > 0:
            points -= _read_path(raw, page_object, area, points, rules)
    return rules, areas, image_share


def _read_path(raw: Any, path: Any, area: Rule, max_points: int, rules: list[Rule]) -> int:
    """Adds a path's rules; returns the number of its points that were read."""
    count: int = min(raw.FPDFPath_CountSegments(path), max_points)
    if min(area.x1 - area.x0, area.y1 - area.y0) <= 3:
        rules.append(area)
        return 1
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(path, ctypes.byref(matrix))
    x, y = ctypes.c_float(), ctypes.c_float()
    last = (0.0, 0.0)
    for index in range(count):
        part = raw.FPDFPath_GetPathSegment(path, index)
        raw.FPDFPathSegment_GetPoint(part, ctypes.byref(x), ctypes.byref(y))
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if raw.FPDFPathSegment_GetType(part) == raw.FPDF_SEGMENT_LINETO:
            (x0, x1), (y0, y1) = sorted((last[0], point[0])), sorted((last[1], point[1]))
            if min(x1 - x0, y1 - y0) <= 1 and max(x1 - x0, y1 - y0) > 5:
                rules.append(Rule(x0, y0, x1, y1))
        last = point
    if count <= 6:  # a rectangle's last edge is implied
        rules.append(Rule(area.x0, area.y0, area.x0, area.y1))
        rules.append(Rule(area.x0, area.y0, area.x1, area.y0))
    return count
