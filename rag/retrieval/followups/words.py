"""The words that follow-up questions are made of, by language: small lists, no grammar.

Patterns for text as it was typed; the letters' case does not matter.
"""

from dataclasses import dataclass

from ...language.word_cover import Language


@dataclass(frozen=True, slots=True)
class Words:
    """`lead` begins an elliptic question ("and …?"), `tail` may end it.

    `prepositions` and `determiners` may stand before what is new. `pronouns` stand for something
    said before. `asking` is what a question begins with, `counting` what may have a noun of its own
    then ("how many orders"), `copula` what links it to its subject. `who` asks for a person or a
    thing by name.
    """

    lead: str
    prepositions: str
    determiners: str
    pronouns: str
    asking: str
    counting: str
    copula: str
    who: str
    tail: str = "(?!)"


WORDS: dict[Language, Words] = {
    "en": Words(
        lead="(?:(?:and|but|so|ok(?:ay)?|now)[ ,]+)*(?:(?:what|how) about|what of|the same for"
        "|same for|is (?:it|that) the same for|and|but)",
        prepositions="in|at|for|from|on|with|by|during|under|until|since|before|after|to|about"
        "|within|near|of",
        determiners="the|an?|this|that|my|our|your",
        pronouns="it|its|they|them|their|he|him|his|she|her|there|this|that|these|those",
        asking="(?:who|what|which|where|when|why|how(?: many| much| long| old)?)",
        counting="how (?:many|much)|which|what",
        copula="is|are|was|were",
        who="who|which",
    ),
    "de": Words(
        lead="(?:(?:und|aber|ok|also)[ ,]+)*(?:was ist mit|wie (?:ist|sieht) es (?:mit|bei|in)"
        "|wie steht es um|gilt das auch für|und|aber)",
        prepositions="in|im|bei|beim|für|mit|von|vom|aus|an|am|auf|seit|nach|vor|zu|zum|zur|unter"
        "|während|bis|ab|um|über|ohne|ins",
        determiners="der|die|das|den|dem|des|ein|eine|einen|einem|einer|eines|mein|meine|unser"
        "|unsere",
        pronouns="er|sie|es|ihn|ihm|ihnen|dessen|deren|davon|dafür|damit|dazu|darüber|dort"
        "|seine[rnms]?|ihre?[rnms]?|diese[rnsm]?|das|denen",
        asking="(?:wer|wen|wem|wessen|was|welche[rnsm]?|wo|woher|wohin|wann|warum|wieso|wie ?viele?"
        "|wie)",
        counting="welche[rnsm]?|wie(?: ?viele?)?",
        copula="ist|sind|war|waren",
        who="wer|wen|wem|welche[rnsm]?",
        tail="aus",
    ),
    "fr": Words(
        lead="(?:(?:et|mais|ok|alors)[ ,]+)*(?:qu['’ ]?en est[- ]il (?:de |d['’]|du |des |pour )?"
        "|quid (?:de |d['’]|du |des )|c['’]est pareil pour|et|mais)",
        prepositions="en|à|au|aux|dans|sur|sous|pour|avec|par|chez|depuis|avant|après|pendant|de"
        "|du|des|sans|vers",
        determiners="le|la|les|un|une|l|d|mon|ma|mes|notre|nos|ce|cette",
        pronouns="ils?|elles?|lui|leurs?|son|sa|ses|celui-ci|celle-ci|ça|cela|là-bas|y",
        asking="(?:qui|que|quoi|où|quand|pourquoi|comment|combien|quel(?:le)?s?"
        "|qu['’]est[- ]ce (?:que|qui))",
        counting="combien(?: de| d(?=['’]))?|quel(?:le)?s?",
        copula="est|sont|était|étaient",
        who="qui|quel(?:le)?s?",
        tail="alors",
    ),
    "es": Words(
        lead="(?:(?:y|pero|vale|entonces)[ ,]+)*(?:qué (?:tal|hay de|pasa con)"
        "|lo mismo (?:para|con)|y|pero)",
        prepositions="en|a|al|para|por|con|de|del|desde|hasta|sobre|sin|según|durante|antes de"
        "|después de",
        determiners="el|la|los|las|un|una|mi|mis|nuestro|nuestra|este|esta",
        pronouns="él|ellos|ellas?|sus?|eso|esto|ese|esa|esos|esas|allí|ahí|aquello",
        asking="(?:quién(?:es)?|qué|cuál(?:es)?|dónde|cuándo|por qué|cómo|cuánt[oa]s?)",
        counting="cuánt[oa]s?|qué|cuál(?:es)?",
        copula="es|son|era|eran|fue|fueron",
        who="quién(?:es)?|cuál(?:es)?",
    ),
    "zh": Words(
        lead="(?:那么|那|还有|至于|关于)",
        prepositions="在|对于|对|关于",
        determiners="(?!)",
        pronouns="它们?|他们?|她们?|那里|那儿|这个|那个|该(?!怎)|其(?!他|实|中)",
        asking="(?:谁|什么|哪里|哪些|哪个|什么时候|为什么|怎么|多少|几)",
        counting="(?!)",
        copula="是",
        who="谁|哪",
        tail="呢",
    ),
}
"""English pronouns have their own rules for references (`condense_rules.py`)."""
