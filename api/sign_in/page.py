"""The page of a sign-in that failed: what happened and what to do, in the reader's language."""

from html import escape
from pathlib import Path
from string import Template

from fastapi.responses import HTMLResponse

PAGES_FOLDER = Path(__file__).parents[1] / "pages"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
}
STATUSES = {
    "invalid": 400,
    "expired": 400,
    "cancelled": 403,
    "no_access": 403,
    "insecure": 403,
    "unreachable": 503,
}
"""Kind of failure → status of the page."""

_TEXTS = {
    "en": {
        "title": "Not signed in",
        "retry": "Sign in again",
        "home": "Back to the page",
        "invalid": "The sign-in could not be completed, because the reply of the sign-in service "
        "was not as expected.",
        "expired": "This sign-in was started too long ago, in another browser, or was completed "
        "already.",
        "cancelled": "You cancelled the sign-in, or the sign-in service refused it.",
        "no_access": "You are signed in at the sign-in service, but none of your groups may use "
        "this service. Ask the people who run it.",
        "insecure": "Signing in needs a secure address: open this service with https.",
        "unreachable": "The sign-in service cannot be reached at the moment. Try again later.",
    },
    "de": {
        "title": "Nicht angemeldet",
        "retry": "Erneut anmelden",
        "home": "Zurück zur Seite",
        "invalid": "Die Anmeldung konnte nicht abgeschlossen werden, weil die Antwort des "
        "Anmeldedienstes nicht wie erwartet war.",
        "expired": "Diese Anmeldung wurde vor zu langer Zeit oder in einem anderen Browser "
        "begonnen, oder sie ist schon abgeschlossen.",
        "cancelled": "Sie haben die Anmeldung abgebrochen, oder der Anmeldedienst hat sie "
        "abgelehnt.",
        "no_access": "Sie sind beim Anmeldedienst angemeldet, aber keine Ihrer Gruppen darf diesen "
        "Dienst nutzen. Wenden Sie sich an die Betreiber.",
        "insecure": "Für die Anmeldung ist eine sichere Adresse nötig: Öffnen Sie diesen Dienst "
        "mit https.",
        "unreachable": "Der Anmeldedienst ist gerade nicht erreichbar. Versuchen Sie es später "
        "noch einmal.",
    },
    "fr": {
        "title": "Non connecté",
        "retry": "Se connecter à nouveau",
        "home": "Retour à la page",
        "invalid": "La connexion n’a pas abouti, car la réponse du service de connexion n’était "
        "pas celle attendue.",
        "expired": "Cette connexion a été commencée il y a trop longtemps ou dans un autre "
        "navigateur, ou elle est déjà terminée.",
        "cancelled": "Vous avez annulé la connexion, ou le service de connexion l’a refusée.",
        "no_access": "Vous êtes connecté au service de connexion, mais aucun de vos groupes ne "
        "peut utiliser ce service. Adressez-vous à ses responsables.",
        "insecure": "La connexion demande une adresse sécurisée : ouvrez ce service avec https.",
        "unreachable": "Le service de connexion est injoignable pour le moment. Réessayez plus "
        "tard.",
    },
    "es": {
        "title": "Sesión no iniciada",
        "retry": "Iniciar sesión de nuevo",
        "home": "Volver a la página",
        "invalid": "No se pudo iniciar la sesión, porque la respuesta del servicio de inicio de "
        "sesión no fue la esperada.",
        "expired": "Este inicio de sesión comenzó hace demasiado tiempo o en otro navegador, o ya "
        "se completó.",
        "cancelled": "Usted canceló el inicio de sesión, o el servicio lo rechazó.",
        "no_access": "Ha iniciado sesión en el servicio de inicio de sesión, pero ninguno de sus "
        "grupos puede usar este servicio. Consulte a sus responsables.",
        "insecure": "Para iniciar sesión hace falta una dirección segura: abra este servicio con "
        "https.",
        "unreachable": "No se puede contactar ahora con el servicio de inicio de sesión. Inténtelo "
        "más tarde.",
    },
    "zh": {
        "title": "未登录",
        "retry": "重新登录",
        "home": "返回页面",
        "invalid": "登录未能完成，因为登录服务的答复与预期不符。",
        "expired": "此次登录开始得太早，或是在另一个浏览器中开始的，或者已经完成。",
        "cancelled": "您取消了登录，或登录服务拒绝了登录。",
        "no_access": "您已在登录服务登录，但您所在的任何组都无权使用本服务。请联系其管理人员。",
        "insecure": "登录需要安全的地址：请用 https 打开本服务。",
        "unreachable": "暂时无法连接登录服务。请稍后再试。",
    },
}


def render_sign_in_failed(kind: str, *, accept_language: str, root_path: str) -> HTMLResponse:
    """Returns the page; nothing of the request is on it."""
    language = choose_language(accept_language)
    texts, root = _TEXTS[language], escape(root_path)
    can_retry = kind not in ("no_access", "insecure")
    page = Template((PAGES_FOLDER / "sign-in.html").read_text(encoding="utf-8")).substitute(
        lang=language,
        root=root,
        title=texts["title"],
        message=texts[kind],
        home=texts["home"],
        retry=f'<a href="{root}/sign-in">{texts["retry"]}</a> ·' if can_retry else "",
    )
    return HTMLResponse(page, STATUSES[kind], HEADERS)


def choose_language(accept_language: str) -> str:
    """Returns the first language of the header that the page has texts in, else `en`."""
    tags = (part.partition(";")[0].strip().lower() for part in accept_language[:500].split(","))
    languages = (tag.partition("-")[0] for tag in tags)
    return next((language for language in languages if language in _TEXTS), "en")
