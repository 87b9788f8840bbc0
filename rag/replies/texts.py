"""What is said of the service and of its articles, in the languages of the interface."""

from dataclasses import dataclass

from ..language.kind.intent import Act
from ..language.word_cover import Language

GREETINGS: dict[Language, dict[Act, str]] = {
    "en": {
        "hello": "Hello! Ask a question; the answer comes from the articles.",
        "thanks": "You are welcome. Ask again if anything else is unclear.",
        "bye": "Goodbye!",
    },
    "de": {
        "hello": "Hallo! Stellen Sie eine Frage; die Antwort kommt aus den Artikeln.",
        "thanks": "Gern geschehen. Fragen Sie wieder, wenn noch etwas unklar ist.",
        "bye": "Auf Wiedersehen!",
    },
    "fr": {
        "hello": "Bonjour ! Posez une question ; la réponse vient des articles.",
        "thanks": "Je vous en prie. Posez une autre question si quelque chose n’est pas clair.",
        "bye": "Au revoir !",
    },
    "es": {
        "hello": "¡Hola! Haga una pregunta; la respuesta viene de los artículos.",
        "thanks": "De nada. Pregunte de nuevo si algo más no está claro.",
        "bye": "¡Hasta luego!",
    },
    "zh": {
        "hello": "您好！请提问，答案来自文章。",
        "thanks": "不客气。如有其他不清楚的地方，请继续提问。",
        "bye": "再见！",
    },
}

SERVICE: dict[Language, str] = {
    "en": "This service answers questions from its articles and cites the sentences that an answer "
    "rests on. It says so when the articles do not answer. Number of articles: {count}. You can "
    "also ask which articles there are, or for a summary of one.",
    "de": "Dieser Dienst beantwortet Fragen aus seinen Artikeln und nennt die Sätze, auf denen "
    "eine "
    "Antwort beruht. Er sagt es, wenn die Artikel keine Antwort geben. Anzahl der Artikel: "
    "{count}. "
    "Sie können auch fragen, welche Artikel es gibt, oder um die Zusammenfassung eines Artikels "
    "bitten.",
    "fr": "Ce service répond aux questions à partir de ses articles et cite les phrases sur "
    "lesquelles repose une réponse. Il le dit quand les articles ne répondent pas. Nombre "
    "d’articles : {count}. Vous pouvez aussi demander quels articles il y a, ou le résumé de l’un "
    "d’eux.",
    "es": "Este servicio responde preguntas a partir de sus artículos y cita las frases en las que "
    "se basa una respuesta. Lo dice cuando los artículos no responden. Número de artículos: "
    "{count}. También puede preguntar qué artículos hay o pedir el resumen de uno.",
    "zh": "本服务根据文章回答问题，并引用答案所依据的句子；文章没有答案时会如实说明。"
    "文章数量：{count}。"
    "您也可以询问有哪些文章，或请求某篇文章的摘要。",
}


EVIDENCE: dict[Language, str] = {
    "en": "This is what the articles say:",
    "de": "Das sagen die Artikel:",
    "fr": "Voici ce que disent les articles :",
    "es": "Esto es lo que dicen los artículos:",
    "zh": "文章中是这样说的：",
}
"""What stands before the evidence of the last answer."""

NO_TRANSLATION: dict[Language, str] = {
    "en": "The answers quote the articles in their own language. Without a language model this "
    "service cannot translate them.",
    "de": "Die Antworten zitieren die Artikel in deren Sprache. Ohne Sprachmodell kann dieser "
    "Dienst sie nicht übersetzen.",
    "fr": "Les réponses citent les articles dans leur langue. Sans modèle de langue, ce service ne "
    "peut pas les traduire.",
    "es": "Las respuestas citan los artículos en su propio idioma. Sin un modelo de lenguaje, este "
    "servicio no puede traducirlas.",
    "zh": "回答引用的是文章原文。没有语言模型，本服务无法翻译。",
}


@dataclass(frozen=True, slots=True)
class CatalogueText:
    """The parts of the line above a list of articles, and what is said below it."""

    articles: str
    about: str
    since: str
    count: str
    none: str
    more: str
    undated: str


CATALOGUE: dict[Language, CatalogueText] = {
    "en": CatalogueText(
        articles="Articles",
        about=" that mention “{subject}”",
        since=" (dated {since} or later)",
        count=": {count}",
        none=": none",
        more="… and {count} more",
        undated="Articles that state no date: {count}",
    ),
    "de": CatalogueText(
        articles="Artikel",
        about=", die „{subject}“ erwähnen",
        since=" (vom {since} oder später)",
        count=": {count}",
        none=": keine",
        more="… und {count} weitere",
        undated="Artikel ohne Datum: {count}",
    ),
    "fr": CatalogueText(
        articles="Articles",
        about=" qui mentionnent « {subject} »",
        since=" (datés du {since} ou plus tard)",
        count=" : {count}",
        none=" : aucun",
        more="… et {count} de plus",
        undated="Articles sans date : {count}",
    ),
    "es": CatalogueText(
        articles="Artículos",
        about=" que mencionan «{subject}»",
        since=" (con fecha del {since} o posterior)",
        count=": {count}",
        none=": ninguno",
        more="… y {count} más",
        undated="Artículos sin fecha: {count}",
    ),
    "zh": CatalogueText(
        articles="文章",
        about="（提到“{subject}”）",
        since="（日期不早于 {since}）",
        count="：{count}",
        none="：无",
        more="…… 另有 {count} 篇",
        undated="没有日期的文章：{count}",
    ),
}
