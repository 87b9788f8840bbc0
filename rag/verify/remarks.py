"""Remarks: what a sentence says of the sources themselves, such as that they do not say something.

A remark ("The passages do not say …") cannot be quoted from them and needs no support. English,
German, French, Spanish and Chinese.
"""

import re

_SOURCES = {
    "en": r"\b(?:the|these|those|your|our|any)(?: (?:provided|given|cited|available|above))*"
    r" (?:passages?|documents?|texts?|excerpts?|articles?|sources?|minutes|context|information"
    r"|documentation)\b",
    "de": r"\b(?:(?:dokument|text|abschnitt)(?:e[ns]?|s)?|passagen?|auszügen?|auszug|artikeln?"
    r"|quellen?|unterlagen)\b",
    "fr": r"\b(?:passages?|documents?|extraits?|textes?|sources?|articles?)\b",
    "es": r"\b(?:pasajes?|documentos?|fragmentos?|textos?|fuentes?|artículos?)\b",
    "zh": r"(?:文中|文档|文件|文本|资料|段落|原文|文章|材料|片段|提供的内容)",
}
_DENIAL = {
    "en": r"\b(?:not|no|nothing|nowhere|none|never|without|only|merely|just|neither)\b|n['’]t\b",
    "de": r"\b(?:nicht|nichts|kein\w*|nirgends|nur|lediglich|ohne)\b",
    "fr": r"\b(?:ne|pas|aucune?|rien|seulement|uniquement)\b|\bn['’]",
    "es": r"\b(?:no|ningun[oa]?|ningún|nada|solo|sólo|solamente|únicamente)\b",
    "zh": r"(?:没|未|不|只|仅|无)",
}
_REPORT = {
    "en": r"\b(?:say|said|state|mention|give|name|specif|list|show|tell|indicate|provide|describe"
    r"|explain|contain|include|disclose|report|point|detail|address|cover"
    r"|in the (?:\w+ )?(?:passages?|documents?|texts?|sources?|articles?))",
    "de": r"(?:sag|nenn|genannt|erwähn|steht|stehen|angegeben|angaben|enth[aä]l|hervor|find"
    r"|aufgeführt|beschr[ei]|erläuter|bezif|erklär|verr[aä]t)",
    "fr": r"(?:dis|dit|mention|précis|indiqu|donn|nomm|cit|conti|fourni|décri|expliqu)",
    "es": r"(?:dic|mencion|indic|especific|nombr|\bdan?\b|conti|detall|proporcion|aclar|explic"
    r"|señal)",
    "zh": r"(?:说|提|给出|列|指出|介绍|写|涉及|讲|包含|标明|规定|描述|记载)",
}
_PATTERNS = [
    tuple(re.compile(one[language], re.IGNORECASE) for one in (_SOURCES, _DENIAL, _REPORT))
    for language in _SOURCES
]
_CLAUSE_END = re.compile(
    r"[;；:：](?:\s|(?=[^\x00-\x7f]))"
    r"|,\s(?=(?:and|but|so|while|though|although|aber|jedoch|mais|pero)\b)"
)
_THEY_DO_NOT_SAY = re.compile(
    r"they (?:do|did)(?: not|n['’]t) (?:say|state|mention|tell)\b", re.IGNORECASE
)
_BACK_REFERENCE = re.compile(r"\s*(?:and |but |though )?(?:they|it|which|sie|es)\b", re.IGNORECASE)
MAX_REMARK_CHARS = 1_000


def without_remarks(sentence: str) -> str:
    """Returns what the sentence claims: its clauses without remarks; "" for a remark alone."""
    if len(sentence) > MAX_REMARK_CHARS:
        return sentence
    claims, start, follows_remark = [], 0, _opens_with_pronoun(sentence)
    ends = [match.end() for match in _CLAUSE_END.finditer(sentence)]
    for end in (*ends, len(sentence)):
        clause, start = sentence[start:end], end
        refers_back = follows_remark and bool(_BACK_REFERENCE.match(clause))
        follows_remark = _is_remark(clause, refers_back=refers_back)
        if not follows_remark and clause.strip(" ,;:.。"):
            claims.append(clause)
    if len(claims) == len(ends) + 1:
        return sentence
    return "".join(claims).strip(" ,;:")


def _opens_with_pronoun(sentence: str) -> bool:
    """Whether `They` alone, right at the start, may mean the sources."""
    return bool(_THEY_DO_NOT_SAY.match(sentence))


def _is_remark(clause: str, *, refers_back: bool) -> bool:
    return any(
        (refers_back or sources.search(clause)) and denial.search(clause) and report.search(clause)
        for sources, denial, report in _PATTERNS
    )
