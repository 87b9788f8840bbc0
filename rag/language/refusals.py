"""The sentence that a refusal says, by its reason, in the languages of the interface."""

from .word_cover import Language

REFUSALS: dict[Language, dict[str, str]] = {
    "en": {
        "index_empty": "There is nothing to answer from: the index holds no articles.",
        "nothing_retrieved": "None of the articles says anything about this.",
        "low_confidence": "The articles do not seem to answer this.",
        "model_declined": "The passages found do not answer this.",
        "unsupported": "No statement could be supported by the articles.",
    },
    "de": {
        "index_empty": "Es gibt nichts, woraus zu antworten wäre: Der Index enthält keine Artikel.",
        "nothing_retrieved": "Keiner der Artikel sagt etwas dazu.",
        "low_confidence": "Die Artikel scheinen das nicht zu beantworten.",
        "model_declined": "Die gefundenen Stellen beantworten das nicht.",
        "unsupported": "Keine Aussage ließ sich mit den Artikeln belegen.",
    },
    "fr": {
        "index_empty": "Il n’y a rien pour répondre : l’index ne contient aucun article.",
        "nothing_retrieved": "Aucun des articles n’en parle.",
        "low_confidence": "Les articles ne semblent pas répondre à cette question.",
        "model_declined": "Les passages trouvés ne répondent pas à cette question.",
        "unsupported": "Aucune affirmation n’a pu être étayée par les articles.",
    },
    "es": {
        "index_empty": "No hay nada con que responder: el índice no contiene artículos.",
        "nothing_retrieved": "Ninguno de los artículos dice nada al respecto.",
        "low_confidence": "Los artículos no parecen responder a esto.",
        "model_declined": "Los pasajes encontrados no responden a esto.",
        "unsupported": "Ninguna afirmación se pudo respaldar con los artículos.",
    },
    "zh": {
        "index_empty": "没有可供回答的内容：索引中没有文章。",
        "nothing_retrieved": "没有文章提到这一点。",
        "low_confidence": "这些文章似乎没有回答这个问题。",
        "model_declined": "找到的段落没有回答这个问题。",
        "unsupported": "没有任何陈述能得到文章的支持。",
    },
}

ALL_REFUSALS = frozenset(text for texts in REFUSALS.values() for text in texts.values())

FOLLOW_UP_REFUSALS: dict[Language, dict[str, str]] = {
    "en": {
        "why": "The articles do not seem to say why.",
        "more": "The articles do not seem to say more about this.",
    },
    "de": {
        "why": "Die Artikel scheinen nicht zu sagen, warum.",
        "more": "Die Artikel scheinen dazu nicht mehr zu sagen.",
    },
    "fr": {
        "why": "Les articles ne semblent pas dire pourquoi.",
        "more": "Les articles ne semblent pas en dire davantage.",
    },
    "es": {
        "why": "Los artículos no parecen decir por qué.",
        "more": "Los artículos no parecen decir más sobre esto.",
    },
    "zh": {"why": "这些文章似乎没有说明原因。", "more": "这些文章似乎没有更多相关内容。"},
}
"""What a low confidence says to "why?" and "tell me more"."""
