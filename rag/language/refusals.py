"""What a refusal says, by its reason, in the languages of the interface.

Where the articles are in another language than the question, it also says what would find across
languages.
"""

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
ACROSS_LANGUAGES: dict[Language, str] = {
    "en": "The articles are in {articles}; finding across languages needs the extra `multilingual` "
    "or a model.",
    "de": "Die Artikel sind auf {articles}; über Sprachen hinweg zu suchen braucht das Extra "
    "`multilingual` oder ein Modell.",
    "fr": "Les articles sont en {articles} ; chercher d’une langue à l’autre demande l’extra "
    "`multilingual` ou un modèle.",
    "es": "Los artículos están en {articles}; buscar entre idiomas requiere el extra "
    "`multilingual` o un modelo.",
    "zh": "文章是{articles}的；跨语言查找需要扩展 `multilingual` 或模型。",
}
"""`articles` is the name of their language."""
NAMES: dict[Language, dict[Language, str]] = {
    "en": {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "zh": "Chinese"},
    "de": {
        "en": "Englisch",
        "de": "Deutsch",
        "fr": "Französisch",
        "es": "Spanisch",
        "zh": "Chinesisch",
    },
    "fr": {"en": "anglais", "de": "allemand", "fr": "français", "es": "espagnol", "zh": "chinois"},
    "es": {"en": "inglés", "de": "alemán", "fr": "francés", "es": "español", "zh": "chino"},
    "zh": {"en": "英文", "de": "德文", "fr": "法文", "es": "西班牙文", "zh": "中文"},
}
"""Of the languages, in each of them."""


def refusal_text(
    reason: str,
    language: Language,
    *,
    about: str | None = None,
    articles: Language | None = None,
) -> str:
    """Returns the refusal in a language; `about` is what the question asks of the last answer.

    `articles` is the language of the articles, where it is to be said that it is another one.
    """
    sentence = REFUSALS[language][reason]
    if reason == "low_confidence" and about:
        sentence = FOLLOW_UP_REFUSALS[language].get(about, sentence)
    if articles is None or articles == language:
        return sentence
    note = ACROSS_LANGUAGES[language].format(articles=NAMES[language][articles])
    return sentence + ("" if language == "zh" else " ") + note


def is_refusal_text(text: str) -> bool:
    """Whether a text is a refusal of this service."""
    return any(text.startswith(one) for texts in REFUSALS.values() for one in texts.values())
