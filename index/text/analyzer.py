"""Analyzer: text → terms, for indexing and for queries alike.

Terms are composed (NFC), lower-cased, accent-folded, stemmed (Snowball English, by tantivy's
analyzer) and lemmatized where the form is irregular, so that BM25, its rescoring and word cover
count the same words. Characters that are not shown, such as soft hyphens, part no words. Scripts
written without spaces become one term per character.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from .sanitize import remove_ignorable, sanitize

ANALYZER = "footnote-3"
"""The analyzer's name in the lexical index and in the fingerprint; changes with its rules."""

MAX_WORD = 40
_UNSPACED = re.compile(r"([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])")
_MARKS = re.compile("[\u0300-\u036f]+")
_DECOMPOSED = re.compile(  # few marks at a time: sorting them takes the square of their number
    "[^\\W\\d_][\u0300-\u036f\u0483-\u0487\u0610-\u061a\u064b-\u065f\u093c\u09bc\u09be\u09d7\u0a3c\u0b3e\u0b56\u0b57"
    "\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dca\u0dcf\u0ddf\u102e\u3099\u309a]{1,8}+"
    "|[\u0958-\u095f\u09dc-\u09df\u0a33-\u0a5e]|[\u1100-\u11ff]{2,}+"
)

STOP_WORDS = frozenset(
    "a an the of to in on at by for from with as is are was were be been being am do does did "
    "done has have had having it its this that these those there here and or but if then than "
    "so such not no nor can could will would shall should may might must he she they them his "
    "her their our we you your i me my us who whom whose which what when where why how s t d ll "
    "re ve m into over under about after before between during through up down out off again "
    "also some any each other more most own same too very just many much say says said "
    "please".split()
)

# Base form, then the irregular forms that stemming does not reduce to it; ambiguous ones (found,
# left, saw, ground, wound, bore) are omitted.
_IRREGULAR = (
    "arise arose arisen|awake awoke|bear born|beat beaten|become became|begin began begun"
    "|bend bent|bite bit bitten|bleed bled|blow blew blown|break broke broken|breed bred"
    "|bring brought|build built|burn burnt|buy bought|catch caught|choose chose chosen"
    "|come came|creep crept|deal dealt|dig dug|draw drew drawn|dream dreamt|drink drank drunk"
    "|drive drove driven|eat ate eaten|fall fell fallen|feed fed|feel felt|fight fought"
    "|flee fled|fly flew flown|forbid forbade forbidden|forget forgot forgotten"
    "|forgive forgave forgiven|freeze froze frozen|get got gotten|give gave given|go went gone"
    "|grow grew grown|hang hung|hear heard|hide hid hidden|hold held|keep kept|know knew known"
    "|lead led|learn learnt|lend lent|light lit|lose lost|make made|mean meant|meet met|pay paid"
    "|ride rode ridden|ring rang rung|rise rose risen|run ran|say said|seek sought|sell sold"
    "|send sent|shake shook shaken|shine shone|shoot shot|show shown|shrink shrank shrunk"
    "|sing sang sung|sink sank sunk|sit sat|sleep slept|slide slid|speak spoke spoken"
    "|spend spent|spin spun|stand stood|steal stole stolen|stick stuck|strike struck"
    "|swear swore sworn|sweep swept|swim swam swum|swing swung|take took taken|teach taught"
    "|tear tore torn|tell told|think thought|throw threw thrown|understand understood"
    "|wake woke woken|wear wore worn|weave wove woven|win won|withdraw withdrew withdrawn"
    "|write wrote written|child children|foot feet|goose geese|man men|mouse mice|tooth teeth"
    "|woman women|person people|life lives|wife wives|knife knives|leaf leaves|half halves"
    "|good better best|bad worse worst|far further farther|datum data|criterion criteria"
    "|phenomenon phenomena"
)


@cache
def analyzer() -> Any:  # tantivy ships no type for it outside its stub
    """Returns tantivy's text analyzer, cached for the process."""
    import tantivy

    filters = tantivy.Filter
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(filters.remove_long(MAX_WORD))
        .filter(filters.lowercase())
        .filter(filters.ascii_fold())
        .filter(filters.stemmer("English"))
        .build()
    )


def terms(text: str) -> list[str]:
    """Returns the text's terms in order, with repeats."""
    spaced = _UNSPACED.sub(r" \1 ", sanitize(_compose(remove_ignorable(text))))
    base_forms = _base_forms()
    return [base_forms.get(term, term) for term in analyzer().analyze(spaced)]


def _compose(text: str) -> str:
    """Returns the text with each letter and its accents as one character, else without them."""
    if text.isascii():
        return text
    return _DECOMPOSED.sub(
        lambda match: _MARKS.sub("", unicodedata.normalize("NFC", match.group())), text
    )


@cache
def _base_forms() -> dict[str, str]:
    """Returns the stem of each irregular form → the stem of its base form."""
    pairs = {}
    for line in _IRREGULAR.split("|"):
        base, *forms = (analyzer().analyze(word)[0] for word in line.split())
        pairs.update({form: base for form in forms if form != base})
    return pairs


@cache
def _stop_terms() -> frozenset[str]:
    return frozenset(term for word in STOP_WORDS for term in terms(word))


def content_terms(terms: Sequence[str]) -> list[str]:
    """Returns the terms without stop words, each once, in order."""
    stop_terms = _stop_terms()
    return list(dict.fromkeys(term for term in terms if term not in stop_terms))
