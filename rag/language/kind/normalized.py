"""A short text as the patterns of kinds read it, with the place of each of its characters."""

import re
import unicodedata
from dataclasses import dataclass

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Normalized:
    """Lower case, no accents, one space between words, none next to Chinese characters.

    `places` are the offsets into `original` of each character of `text`.
    """

    original: str
    text: str
    places: tuple[int, ...]

    def source_of(self, start: int, end: int) -> str:
        """Returns the part of the original that `text[start:end]` comes from."""
        if start >= end:
            return ""
        return self.original[self.places[start] : self.places[end - 1] + 1]

    def cut(self, start: int, end: int) -> "Normalized":
        """Returns a part of it."""
        return Normalized(self.original, self.text[start:end], self.places[start:end])


def normalize(original: str) -> Normalized:
    """Returns the text normalized; everything but letters and digits separates words."""
    text, places = list[str](), list[int]()
    for place, character in enumerate(original):
        for part in unicodedata.normalize("NFKD", character.lower().replace("ß", "ss")):
            if unicodedata.combining(part):
                continue
            if not part.isalnum():
                part = " "
            if part == " " and (not text or text[-1] == " " or _HAN.match(text[-1])):
                continue
            if _HAN.match(part) and text and text[-1] == " ":
                text.pop()
                places.pop()
            text.append(part)
            places.append(place)
    if text and text[-1] == " ":
        text.pop()
        places.pop()
    return Normalized(original, "".join(text), tuple(places))
