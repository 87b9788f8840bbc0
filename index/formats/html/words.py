"""The words by which furniture of a page names itself, in the five interface languages.

None decides alone: `furniture` asks for the place and the links as well.
"""

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

NAVIGATION = frozenset(
    "nav navbar navigation menu breadcrumb breadcrumbs sidebar pagination pager pagenav prevnext "
    "masthead topbar toolbar toc footer skip tabs tablist".split()
)
PROMOTION = frozenset(
    "ad ads advert adverts advertisement advertising sponsored sponsor sponsors adsense promo "
    "promotion newsletter subscribe subscription signup cta paywall".split()
)
SOCIAL = frozenset(
    "share sharing social follow related recommended recommendation recommendations popular "
    "trending readmore morelike suggested similar outbrain taboola comments respond "
    "commentform replyform feedback".split()
)
CONSENT = frozenset("cookie cookies consent gdpr cookiebar cookiebanner onetrust ccpa".split())
NAMED = NAVIGATION | PROMOTION | SOCIAL | CONSENT | {"copyright", "widget", "banner", "login"}
ALWAYS = PROMOTION | CONSENT | frozenset("share sharing related recommended breadcrumb".split())
"""Names that a few words without a link bear out."""
OUTSIDE = frozenset("footer sidebar copyright masthead topbar popular trending pagination".split())
"""Those that do so outside of a main element or article."""

COOKIES = re.compile(r"\bcookies?\b|同意|隐私", re.IGNORECASE)
CONSENTS = re.compile(
    r"\b(?:accept|agree|consent|allow|reject|decline|got it|ok(?:ay)?|preferences|akzeptier\w*"
    r"|zustimm\w*|einverstanden|ablehn\w*|alle zulassen|accepter|refuser|j.accepte|aceptar|acepto"
    r"|rechazar)\b|接受|同意|拒绝",
    re.IGNORECASE,
)
RELATED = re.compile(
    r"(?:related|recommended|popular|trending|latest|recent|more|further|similar|other|top)"
    r"(?: \w+){0,2} (?:articles?|posts?|stories|reading|reads?|news|topics?|pages?|links?|guides?"
    r"|questions?|threads?|discussions?|content|tags)\b"
    r"|you (?:may|might) (?:also )?(?:like|enjoy|be interested)|more (?:from|in|on|like this)\b"
    r"|(?:read|up) next\b|keep reading|also read|most (?:read|popular|viewed)\b|trending\b"
    r"|what to read next|related$|recommended(?: for you)?$|popular$|tags?:?$|categories:?$"
    r"|table of contents$|contents:?$|on this page|in this (?:article|section)$|share\b.{0,30}$"
    r"|follow us|navigation$|menu$|quick links|archives?$|advertisement|sponsored"
    r"|(?:ähnliche|verwandte|weitere|mehr|beliebte|aktuelle|neueste) (?:artikel|beiträge|themen"
    r"|seiten|meldungen|fragen|links)|das könnte (?:sie|dich) auch|mehr zum thema|meistgelesen"
    r"|inhaltsverzeichnis$|auf dieser seite|anzeige$|werbung$|teilen$"
    r"|(?:articles?|sujets?|contenus?|liens?) (?:similaires?|connexes?|liés|associés|récents)"
    r"|à lire aussi|vous aimerez aussi|sur le même sujet|les plus lus|sommaire$|publicité"
    r"|partager\b.{0,30}$"
    r"|(?:artículos|noticias|temas|enlaces|entradas) (?:relacionad[oa]s|recientes|populares)"
    r"|te puede interesar|también te|lo más leído|en esta página|publicidad|compartir\b.{0,30}$"
    r"|相关(?:文章|阅读|推荐|链接|内容)|推荐阅读|热门|猜你喜欢|更多|目录$|广告|分享",
    re.IGNORECASE,
)
PROMOTES = re.compile(
    r"(?:advertisement|advertising|sponsored|sponsor message|promoted|anzeige\b|werbung\b|publicité"
    r"|publicidad|广告)",
    re.IGNORECASE,
)
SKIPS = re.compile(
    r"(?:skip|jump|zum (?:inhalt|hauptinhalt)|direkt zum|aller au|passer au|saltar a|ir al|跳"
    r"|(?:back|return) to top|to top$|nach oben|haut de page|volver arriba)",
    re.IGNORECASE,
)
COPYRIGHT = re.compile(
    r"©|\(c\)\s*\d{4}|\bcopyright\b|all rights reserved|alle rechte vorbehalten"
    r"|tous droits réservés|todos los derechos|版权所有|powered by",
    re.IGNORECASE,
)


def tokens(attributes: Mapping[str, str]) -> frozenset[str]:
    """Returns the words of an element's class, id and label, lower-case."""
    if not attributes:
        return frozenset()
    names = " ".join(
        attributes.get(name, "")[:300] for name in ("class", "id", "data-component", "data-testid")
    )
    return frozenset(word.lower() for word in _TOKEN.findall(names))
