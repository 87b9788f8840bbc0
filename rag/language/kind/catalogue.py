"""How people ask which articles there are, by language.

Patterns for a whole normalized text (`normalized.py`). The group `subject` is what the articles are
to be about, `since` a date, `newest` there where the newest are asked for.
"""

from collections.abc import Iterator

from ..word_cover import Language

_SUBJECT = r"(?P<subject>\w+(?: \w+){0,6}?)"
_SINCE = r"(?P<since>\w+(?: \w+){0,3})"

VERBS: dict[Language, frozenset[str]] = {
    "en": frozenset(
        "is are was were be do does did can could may might must should shall will would has have"
        " had need needs required i we you they he she it my our your who what which when where why"
        " how than this that these those".split()
    ),
    "de": frozenset(
        "ist sind war waren hat haben kann konnen muss mussen soll sollen darf brauche brauchen"
        " benotige benotigt wird werden wurden ich wir du ihr sie man mein meine gibt".split()
    ),
    "fr": frozenset(
        "est sont ont peut peuvent dois doit faut je nous vous tu il elle on mon ma mes".split()
    ),
    "es": frozenset("es son esta estan hay puede pueden debo debe necesito tengo yo mi".split()),
    "zh": frozenset(),
}
"""A subject with one of these is the rest of a question, not what articles are about."""

DOCUMENTS: dict[Language, str] = {
    "en": "(?:articles?|documents?|docs|files?|sources?|texts?)",
    "de": "(?:artikeln?|dokumente?n?|dateien?|quellen?|texten?)",
    "fr": "(?:articles?|documents?|fichiers?|sources?|textes?)",
    "es": "(?:articulos?|documentos?|archivos?|ficheros?|fuentes?|textos?)",
    "zh": "(?:文章|文档|文件|资料|文本)",
}
_ABOUT: dict[Language, str] = {
    "en": "(?:on|about|regarding|concerning|(?:that )?mention(?:ing)?|that discuss|discussing)",
    "de": "(?:zu|zum|zur|uber)(?: dem| der| den)?",
    "fr": "(?:sur|a propos de|concernant|au sujet de|qui parlent de)",
    "es": "(?:sobre|acerca de|que mencionan|que hablan de)",
}
_DATED: dict[Language, str] = {
    "en": "(?:since|after|from|newer than|later than"
    "|(?:that (?:were|are) )?(?:published|added|updated|written)(?: since| after| from| in))",
    "de": "(?:seit|ab|nach|von|aus)(?: dem| der| den)?",
    "fr": "(?:depuis|apres|a partir de|de|publies depuis)(?: le| la| l)?",
    "es": "(?:desde|despues de|a partir de|de)(?: el| la)?",
}
_COLLECTION: dict[Language, str] = {
    "en": "(?:the|this|your|our) (?:collection|index|library|corpus|knowledge ?base|database"
    "|archive)",
    "de": "(?:der|dieser|deiner|ihrer) (?:sammlung|bibliothek|datenbank|wissensdatenbank)",
    "fr": "(?:la|cette|ta|votre) (?:collection|base(?: de donnees)?|bibliotheque)",
    "es": "(?:la|esta|tu|su) (?:coleccion|base(?: de datos)?|biblioteca)",
}
_WHICH: dict[Language, str] = {
    "en": "(?:which|what|how many)(?: other| of the)?",
    "de": "(?:welche|was fur|wie ?viele)(?: anderen?)?",
    "fr": "(?:quel(?:le)?s(?: sont les)?|combien d[e]?)(?: autres)?",
    "es": "(?:que|cuales son los|cuant[oa]s)(?: otros)?",
}
_HAVE: dict[Language, str] = {
    "en": "(?:(?:do )?(?:you|we|u) have|have you got|are there|are (?:currently )?(?:available"
    "|indexed"
    "|included|here)|exist|can you (?:see|search|use|access|read)|do you (?:know|use|search"
    "|contain)"
    r"|(?:are|are there) in {place}|does {place} (?:have|contain|hold))",
    "de": "(?:gibt es(?: hier)?|es gibt|hast du|du hast|habt ihr|haben sie|sie haben|haben wir"
    "|kennst du|kennen sie"
    "|sind (?:hier )?(?:verfugbar|vorhanden|indexiert|enthalten)|(?:gibt es|sind) in {place})",
    "fr": "(?:avez vous|vous avez|as tu|tu as|avons nous|y a t il|il y a|sont disponibles"
    "|existent|connais tu"
    "|connaissez vous|(?:y a t il|sont) dans {place})",
    "es": "(?:tienes?|tiene usted|tenemos|hay|existen|conoces|estan disponibles|hay en {place})",
}
_LIST: dict[Language, str] = {
    "en": "(?:(?:list|show|display|give|see|name)(?: me)?(?: a list of)?|(?:full "
    "|complete )?list of)"
    "(?: all(?: of)?| the| your| available| me)+|(?:list|show)(?= articles)|all(?: the| your)?",
    "de": "(?:liste|zeige?|nenne?)(?: mir)?(?: alle| die| deine| ihre| verfugbaren)+"
    "|(?:liste|ubersicht) (?:aller|der)|alle",
    "fr": "(?:lister?z?|montre(?:z)?(?: moi)?|affiche(?:r|z)?|donne(?:z)?(?: moi)?)(?: la liste)?"
    "(?: de)?(?: tou(?:te)?s)?(?: les| des| tes| vos)+|(?:la )?liste des|tou(?:te)?s les",
    "es": "(?:lista(?:r)?|muestra(?:me)?|mostrar(?:me)?|ensename|dame)(?: la lista de)?"
    "(?: todos| todas| los| las| tus)+|(?:la )?lista de(?: todos)?(?: los| las)?|tod[oa]s l[oa]s",
}
_NEW: dict[Language, str] = {
    "en": "what ?(?:is|s) new|(?:is there )?anything new|what (?:has been|was) added"
    "|(?:which|what) {documents} are (?:new|the (?:latest|newest))|(?:(?:show me|list|what (?:are"
    "|is|s)"
    "|which (?:are|is)|do you have|are there) )?(?:the |any )?(?:latest|newest|most recent|new)"
    " {documents}",
    "de": "was (?:ist|gibt es|gibts) neue?s?|gibt es (?:etwas |was )?neues"
    "|welche {documents} sind neu|(?:(?:zeige? mir|was sind|welches sind|gibt es) )?(?:die )?"
    "(?:neuen?|neuesten?|letzten) {documents}",
    "fr": "quoi de neuf|qu est ce qui est nouveau|quelles (?:sont les )?nouveautes|qu y a t il de"
    " (?:neuf|nouveau)|(?:(?:montre(?:z)? moi|quels sont) )?les (?:derniers|nouveaux) {documents}"
    "|les {documents} les plus recents",
    "es": "que hay de nuevo|que novedades hay|hay algo nuevo|(?:(?:muestrame|cuales son) )?los"
    " (?:ultimos|nuevos) {documents}|los {documents} mas recientes",
}
_OTHER: dict[Language, tuple[str, ...]] = {
    "en": (
        "(?:which|what) {documents} (?:mention|talk about|discuss|deal with|are about) {subject}",
        "(?:is|are) there (?:an? |any )?{documents} (?:on|about|that mentions?) {subject}",
        "do you have (?:an? |any )?{documents} (?:on|about) {subject}",
        "(?:how many )?{documents} (?:on|about) {subject}",
    ),
    "de": (
        "gibt es (?:einen? |ein )?{documents} (?:zu|zum|zur|uber) {subject}",
        "(?:hast du|haben sie|habt ihr) (?:einen? |ein )?{documents} (?:zu|zum|zur|uber) {subject}",
        "(?:wie ?viele |welche )?{documents} (?:zu|zum|zur|uber) {subject}",
    ),
    "fr": (
        "y a t il (?:une? |des |d )?{documents} sur {subject}",
        "(?:as tu|avez vous) (?:une? |des |d )?{documents} sur {subject}",
        "(?:combien de? |combien d |quels )?{documents} sur {subject}",
    ),
    "es": (
        "(?:hay|tienes) (?:algun |un )?{documents} sobre {subject}",
        "(?:cuant[oa]s |que )?{documents} sobre {subject}",
    ),
}
_TOPICS: dict[Language, str] = {
    "en": "(?:what|which) (?:topics|subjects) (?:do you (?:cover|know|have)|are (?:there|covered"
    "|available))|what are (?:the|your) {documents} about|what do you have {documents} (?:on|about)"
    "|what ?(?:is|s) in {place}|table of contents"
    "|what (?:info|information|content|material) do you have(?: here)?"
    "|do you have (?:any )?{documents}"
    "|(?:(?:give me )?an )?overview of (?:the|all|your) {documents}|what are your sources",
    "de": "welche themen (?:gibt es|kennst du|hast du|deckst du ab)|wovon handeln (?:die|deine)"
    " {documents}|was ist in {place}|inhaltsverzeichnis|welche informationen hast du"
    "|(?:eine )?ubersicht uber (?:die|alle|deine) {documents}|was sind deine quellen",
    "fr": "quels (?:sont les )?(?:sujets|themes) (?:connais tu|sont couverts|y a t il)"
    "|de quoi parlent (?:les|vos|tes) {documents}|qu y a t il dans {place}"
    "|quelles (?:sont (?:tes|vos) sources|informations avez vous)",
    "es": "que temas (?:hay|cubres|tienes|conoces)|de que tratan (?:los|tus) {documents}"
    "|que hay en {place}|que informacion tienes|cuales son tus fuentes",
}
_CHINESE = (
    "(?:[你您]们?|这里|库里|系统里?)?(?:现在|一共|总共|目前)?(?:都)?(?:有|收录了|包含)(?:哪些"
    "|什么|多少篇?|几篇)"
    f"(?:关于(?P<subject>\\w{{1,20}})的)?{DOCUMENTS['zh']}",
    f"关于(?P<subject>\\w{{1,20}}?)的{DOCUMENTS['zh']}(?:有(?:哪些|什么|多少篇?|几篇))?",
    f"(?:列出|显示|给我看)(?:所有|全部)的?(?:关于(?P<subject>\\w{{1,20}})的)?{DOCUMENTS['zh']}",
    f"(?P<newest>(?:(?P<since>\\w{{1,12}})以来)?有(?:什么|哪些)(?:新的?(?:{DOCUMENTS['zh']}|内容)?))",
    f"(?P<newest>最新的?{DOCUMENTS['zh']}(?:有哪些)?)",
    "[你您]有哪些(?:主题|话题)",
)


def catalogue_patterns(language: Language) -> Iterator[str]:
    """Yields the patterns of a question about the articles, those with a date first."""
    if language == "zh":
        yield from _CHINESE
        return
    documents, place = DOCUMENTS[language], _COLLECTION[language]
    which, have = _WHICH[language], _HAVE[language].format(place=place)
    about = f"{_ABOUT[language]} {_SUBJECT}"
    end = "(?: auf| an| auflisten| anzeigen)?" if language == "de" else ""
    newest = f"(?P<newest>{_NEW[language].format(documents=documents)})"
    for since in (f" {_DATED[language]} {_SINCE}", ""):
        for subject in (f" {about}", ""):
            yield f"{which} {documents} {have}{subject}{since}"
            yield f"(?:{_LIST[language]}) {documents}{subject}{since}{end}"
        yield f"{which} {documents} {about} {have}{since}"
        if since:
            yield f"{which} {documents}(?: are| were| have been| sind| wurden)?{since}"
        yield newest + since
        for other in _OTHER[language]:
            filled = other.replace("{documents}", documents).replace("{subject}", _SUBJECT)
            yield filled + since
    yield _TOPICS[language].format(documents=documents, place=place)
