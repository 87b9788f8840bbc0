"""What is a greeting, about the service or its articles, and which questions look alike."""

from datetime import date

import pytest

from rag.language.kind.comparison import compared
from rag.language.kind.intent import Kind, plain_kind, recognize

TODAY = date(2026, 11, 28)

SHORT: dict[Kind, str] = {
    "greeting": """
        Hi
        Hello!
        hey there 👋
        Good morning everyone
        How are you?
        Thanks!
        thank you very much for your help
        ok, got it
        That helps, thanks
        Goodbye
        Have a nice day
        Hallo zusammen
        Guten Tag
        Vielen Dank für die Hilfe
        Tschüss
        Wie geht es dir?
        Bonjour à tous
        Merci beaucoup !
        Ça va ?
        Au revoir
        ¡Hola! ¿Qué tal?
        Buenos días
        muchas gracias
        Hasta luego
        你好！
        谢谢你
        再见
    """,
    "service": """
        What can you do?
        Hi, what can you do?
        who are you
        How does this work?
        Can you help me?
        What can I ask you?
        Are you a bot?
        help
        What is this?
        Was kannst du alles?
        Wer bist du?
        Wie funktioniert das hier?
        Wobei kannst du mir helfen?
        Que peux-tu faire ?
        Qui êtes-vous ?
        Comment ça marche ?
        ¿Qué puedes hacer?
        ¿Quién eres?
        ¿Cómo funciona?
        你能做什么？
        你是谁
        这是什么？
    """,
    "catalogue": """
        Which articles do you have?
        What documents are there?
        How many documents on batteries?
        how many articles are there about the SU7
        List all files
        Please show me all the documents about visas
        What is new since May?
        what's new?
        latest articles
        Which articles were published since March 2025?
        Is there an article about exports?
        Which topics do you cover?
        Hi, which articles do you have?
        Tell me which documents you have
        Do you have any documents?
        Give me an overview of the articles
        Welche Artikel gibt es?
        Welche Dokumente haben Sie zu Batterien?
        Wie viele Artikel gibt es über den SU7?
        Liste alle Dateien auf
        Was gibt es Neues seit Mai?
        Quels articles avez-vous ?
        Combien d’articles y a-t-il sur la batterie ?
        Quoi de neuf depuis mars 2025 ?
        Montre-moi tous les documents
        ¿Qué artículos tienes?
        ¿Cuántos documentos hay sobre baterías?
        ¿Qué hay de nuevo desde mayo?
        有哪些文章？
        你有哪些关于电池的文章
        有多少篇文章
    """,
    "summary": """
        Summarise the Q2 article
        Can you summarize the travel policy, please?
        Give me a short summary of the article on exports
        What is the article about the partners about?
        TL;DR of the handbook
        Fasse den Artikel über das zweite Quartal zusammen
        Zusammenfassung der Reiserichtlinie
        Worum geht es im Artikel über Exporte?
        Résume l’article sur les partenaires
        De quoi parle l’article sur les prix ?
        Resume el artículo sobre los socios
        ¿De qué trata el artículo sobre precios?
        总结一下这篇文章
    """,
}
QUESTIONS = """
    What can you do to lower blood pressure?
    What can you do with a library card?
    Who are you supposed to call in an emergency?
    Who are the suppliers of the batteries?
    How does this work for part-time employees?
    How does it work with two jobs?
    How do I use this form?
    What is this fee for?
    What is this?!? I was charged twice
    Help me reset my password
    Can you help me find the tax form?
    What do you do when the alarm rings?
    Are you a member if you paid last year?
    Hi, how many days of leave do I have?
    Hello, who approves travel?
    Thanks, and how long is the notice period?
    ok and what about Spain?
    Good, where is the office?
    Hi is a greeting in which language?
    Do I have to say good morning to customers?
    Which articles of the constitution forbid slavery?
    Which articles do I have to read before the exam?
    How many articles does the constitution have?
    How many articles are there in the constitution?
    What documents do I need for a visa?
    Which documents are required to open an account?
    Which documents do we have to keep for ten years?
    Which files are ignored by git?
    What files do you need for a deployment?
    Which sources of energy are renewable?
    How many sources of income may I have?
    How many documents on my desk may I keep?
    How many files can I upload at once?
    List all files in a folder with ls
    List all models
    List the documents required for a visa
    Show me all expenses over 100 euros
    Is there a document I have to sign?
    Tell me which documents you have to sign
    Good, and what about part-time?
    What information do you have to give a customer?
    Do you have parking?
    Do you have documents that prove it?
    What is new in version 2?
    What's new in Python 3.12?
    What is new about the parental leave rule?
    What is the latest version?
    When was the latest article of the treaty signed?
    What has changed since version 3?
    What topics are covered in the exam?
    What are the articles of association about shares?
    Which article deals with freedom of speech in the constitution?
    How do I write a summary of my application?
    Where do I find the summary page?
    What is the Q2 article's claim about revenue?
    What is Article 5 GDPR?
    Was kann ich tun, wenn ich krank bin?
    Was kannst du mir über den SU7 sagen?
    Wer ist Lei Jun?
    Wie funktioniert das mit dem Urlaub?
    Welche Dokumente brauche ich für die Anmeldung?
    Welche Artikel des Grundgesetzes gelten für Ausländer?
    Wie viele Artikel hat das Grundgesetz?
    Was ist neu im Tarifvertrag?
    Hallo, wie viele Urlaubstage habe ich?
    Que peux-tu faire pour baisser la tension ?
    Quels documents dois-je fournir ?
    Combien d’articles compte la constitution ?
    Qui est le directeur ?
    Comment ça marche pour les congés ?
    ¿Qué puedes hacer para dormir mejor?
    ¿Qué documentos necesito para el visado?
    ¿Cuántos artículos tiene la constitución?
    ¿Cómo funciona el permiso parental?
    ¿Quién es el director?
    办签证需要哪些文件？
    你能告诉我假期有多少天吗？
    宪法有多少条？
    谁是创始人？
    这是什么时候发布的？
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(("kind", "texts"), SHORT.items())
def test_a_short_text_is_of_its_kind(kind: Kind, texts: str) -> None:
    assert [text for text in lines(texts) if recognize(text, today=TODAY).kind != kind] == []


def test_a_question_is_never_taken_for_what_is_not_searched_for() -> None:
    special = {"greeting", "service", "catalogue", "summary"}
    kinds = {text: recognize(text, today=TODAY).kind for text in lines(QUESTIONS)}
    assert {text: kind for text, kind in kinds.items() if kind in special} == {}


@pytest.mark.parametrize(
    ("text", "language"),
    [("Hallo!", "de"), ("你是谁", "zh"), ("Quels articles avez-vous ?", "fr"), ("Hola", "es")],
)
def test_the_language_is_that_of_the_words(text: str, language: str) -> None:
    assert recognize(text, today=TODAY).language == language


@pytest.mark.parametrize(
    ("text", "act"), [("Hi!", "hello"), ("Hi, thanks", "thanks"), ("Thanks, bye", "bye")]
)
def test_a_greeting_greets_thanks_or_says_goodbye(text: str, act: str) -> None:
    assert recognize(text, today=TODAY).act == act


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Which articles do you have about the SU7?", "the SU7"),
        ("Articles about life after death", "life after death"),
        ("Welche Artikel gibt es zu Größe & Maß?", "Größe & Maß"),
        ("你有哪些关于电池的文章", "电池"),
    ],
)
def test_the_subject_stands_as_it_was_typed(text: str, subject: str) -> None:
    assert recognize(text, today=TODAY).subject == subject


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("What is new since May?", date(2026, 5, 1)),
        ("What is new since December?", date(2025, 12, 1)),
        ("What's new since 3 March 2025?", date(2025, 3, 3)),
        ("What is new since 2025-04-05?", date(2025, 4, 5)),
        ("Articles about exports since last month", date(2026, 10, 1)),
        ("What is new since last week?", date(2026, 11, 16)),
        ("What is new since yesterday?", date(2026, 11, 27)),
        ("Was ist neu seit letztem Jahr?", date(2025, 1, 1)),
        ("Quoi de neuf depuis la semaine dernière ?", date(2026, 11, 16)),
        ("¿Qué hay de nuevo desde el mes pasado?", date(2026, 10, 1)),
        ("去年以来有什么新文章", date(2025, 1, 1)),
    ],
)
def test_a_date_is_read_as_people_write_it(text: str, since: date) -> None:
    assert recognize(text, today=TODAY).since == since


def test_within_a_conversation_this_is_what_was_talked_about() -> None:
    assert recognize("How does this work?", today=TODAY, is_first=False).kind != "service"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SU7 or YU7?", "comparison"),
        ("What is the difference between leave and time off?", "comparison"),
        ("Was ist der Unterschied zwischen A und B?", "comparison"),
        ("Is it profitable?", "yes_no"),
        ("Can you bring a dog?", "yes_no"),
        ("Can you tell me if it is profitable?", "yes_no"),
        ("Can you tell me where the office is?", "question"),
        ("List all models", "list"),
        ("How do I request leave?", "list"),
        ("Who founded Xiaomi?", "question"),
    ],
)
def test_other_questions_have_a_kind_too(text: str, kind: Kind) -> None:
    assert plain_kind(text) == kind


def test_a_long_text_is_a_question() -> None:
    assert recognize("Hi " * 100, today=TODAY).kind == "question"


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("Compare the SU7 and the YU7", ("SU7", "YU7")),
        (
            "What is the difference between sick leave and annual leave?",
            ("sick leave", "annual leave"),
        ),
        ("SU7 vs. YU7", ("SU7", "YU7")),
        ("Vergleiche BYD mit CATL", ("BYD", "CATL")),
        ("Was ist der Unterschied zwischen Miete und Pacht?", ("Miete", "Pacht")),
        ("Quelle est la différence entre la carte et le badge ?", ("carte", "badge")),
        ("¿Cuál es la diferencia entre el SU7 y el YU7?", ("SU7", "YU7")),
        ("SU7和YU7有什么区别？", ("SU7", "YU7")),
    ],
)
def test_a_comparison_has_two_sides(text: str, sides: tuple[str, str]) -> None:
    assert compared(text) == sides


@pytest.mark.parametrize(
    "text",
    [
        "Is the SU7 or the YU7 faster?",
        "Where is the slack channel for the vs code plugin?",
        "visitors of the site in 2013 vs 2023",
        "Compare prices",
    ],
)
def test_other_questions_have_none(text: str) -> None:
    assert compared(text) is None
