"""How people ask something of the last answer, by language: its proof, its length, its language.

Patterns for a whole normalized text (`normalized.py`) after a conversation; none is a first
question.
"""

from typing import Literal

from ..word_cover import Language

AnswerAct = Literal["evidence", "why", "language", "summary", "shorter", "more"]
"""To prove it, to say why, to repeat it in another language, to sum up its article, to repeat it
shorter, to say more."""

_LANGUAGES: dict[Language, str] = {
    "en": "(?:english|german|french|spanish|chinese|mandarin|italian|portuguese|dutch|polish"
    "|russian|turkish|arabic|japanese|korean|hindi|ukrainian)",
    "de": "(?:deutsch|englisch|franzosisch|spanisch|chinesisch|italienisch|portugiesisch"
    "|niederlandisch|polnisch|russisch|turkisch|arabisch|japanisch|koreanisch|ukrainisch)",
    "fr": "(?:francais|anglais|allemand|espagnol|chinois|italien|portugais|neerlandais|polonais"
    "|russe|turc|arabe|japonais|coreen|ukrainien)",
    "es": "(?:espanol|castellano|ingles|aleman|frances|chino|italiano|portugues|neerlandes|polaco"
    "|ruso|turco|arabe|japones|coreano|ucraniano)",
    "zh": "(?:中文|汉语|英语|英文|德语|德文|法语|法文|西班牙语|西班牙文|意大利语|葡萄牙语|俄语"
    "|日语|日文|韩语"
    "|阿拉伯语)",
}
LANGUAGE_NAMES: dict[str, Language] = {
    **dict.fromkeys(("english", "englisch", "anglais", "ingles", "英语", "英文"), "en"),
    **dict.fromkeys(("german", "deutsch", "allemand", "aleman", "德语", "德文"), "de"),
    **dict.fromkeys(("french", "franzosisch", "francais", "frances", "法语", "法文"), "fr"),
    **dict.fromkeys(("spanish", "spanisch", "espagnol", "espanol", "castellano"), "es"),
    **dict.fromkeys(("西班牙语", "西班牙文"), "es"),
    **dict.fromkeys(("chinese", "mandarin", "chinesisch", "chinois", "chino"), "zh"),
    **dict.fromkeys(("中文", "汉语"), "zh"),
}
"""Names of the languages of the interface."""

_PATTERNS: dict[Language, dict[AnswerAct, str]] = {
    "en": {
        "evidence": "(?:are|r) (?:you|u) (?:really |quite |very )?(?:sure|certain)"
        "(?: (?:about|of) (?:that|this|it))?|(?:oh )?really|is (?:that|this|it) (?:really )?"
        "(?:true|right|correct|so)|says who|who says (?:so|that)|where (?:does|did) (?:it|that|this"
        "|the article) (?:say|stand)(?: (?:that|this|so))?|where (?:is|was) (?:that|this|it)"
        " (?:written|stated|said|from)|where did you (?:get|find|read|see) (?:that|this|it)"
        "(?: from)?|where does (?:that|this|it) come from|(?:show|give|name|cite)(?: me)?"
        "(?: (?:the|your|a|some))? (?:sources?|evidence|proof|quotes?|citations?|passages?)"
        "|(?:prove|verify|confirm|check) (?:it|that|this)(?: again)?|sources?|evidence|proof"
        "|how do you know(?: that| this)?|what (?:is|s) (?:the|your) source(?: (?:for|of) (?:that"
        "|this|it))?|i (?:don t|do not) believe (?:you|it|that|this)",
        "why": "(?:but )?why(?: not| so| that| is (?:that|this|it)(?: so| the case)?| was that)?"
        "|how come|for what reason|what (?:is|was) the reason(?: for (?:that|this|it))?",
        "language": "(?:(?:answer|say|write|repeat|translate|explain|give|put|show)"
        "(?: (?:me|it|that|this|(?:the|your) (?:last )?answer|again))* )?(?:in|into|to) {language}"
        "(?: (?:again|instead))?|translate (?:it|that|this|(?:the|your) (?:last )?answer)"
        "|(?:do you )?speak {language}",
        "summary": "(?:summari[sz]e|sum up|recap)(?: (?:it|that|this|(?:the|that|this) (?:whole )?"
        "(?:article|document|page|text|source|file)))?(?: up)?|(?:give me )?(?:a |the )?(?:short "
        "|brief )?summary(?: of (?:it|that|this|(?:the|that|this) (?:article|document|page|text"
        "|source|file)))?|what (?:is|s) (?:the|that|this) (?:article|document|page|text) about"
        "|tl ?dr",
        "shorter": "(?:(?:make|keep|say|put) (?:it|that|this) )?(?:much |a bit |a little |even )?"
        "(?:shorter|briefer|more (?:brief|concise))|(?:(?:that|this|it)(?: is|s) )?too long"
        "|(?:(?:say|put) (?:it|that) )?in (?:one|a single) sentence|in (?:short|brief)|briefly"
        "|shorten (?:it|that|this)|keep it short|(?:a |the )?short(?:er)? (?:version|answer)"
        "|(?:summari[sz]e|shorten) (?:the|your) (?:last )?answer",
        "more": "(?:(?:give|show) me )?(?:some )?(?:more|further)(?: (?:details?|information"
        "|info))?"
        "(?: (?:about|on) (?:it|that|this))?|(?:in|with) more details?|go on|(?:please )?continue"
        "|keep going|what else|(?:is there )?anything else|elaborate(?: on (?:it|that|this))?"
        "|explain (?:(?:it|that|this) )?(?:further|more|in (?:more )?detail)"
        "|expand(?: on (?:it|that|this))?|say more",
    },
    "de": {
        "evidence": "(?:bist du|sind sie)(?: dir| sich)?(?: da)?(?: ganz| wirklich)? sicher|sicher"
        "|wirklich|echt|stimmt das(?: wirklich| so)?|ist das (?:wirklich )?(?:wahr|richtig|so"
        "|sicher|korrekt)|wo (?:genau )?steht das(?: denn| genau)?|woher (?:weisst du|wissen sie"
        "|hast du|haben sie|kommt|stammt) das|(?:zeige?|nenne?)(?: mir| uns)? (?:die|deine|ihre"
        "|eine|den) (?:quellen?|belege?|stellen?|nachweise?|beweise?)"
        "|(?:die )?quellen?(?:angaben?)?"
        "|(?:belege?|beweise?)(?: (?:das|es))?|(?:das|es) (?:belegen|beweisen)|wer sagt das"
        "|was ist (?:die|deine|ihre) quelle|das glaube ich nicht",
        "why": "(?:aber )?(?:warum|wieso|weshalb)(?: (?:das|denn|nicht|ist das so|denn das|das denn"
        "|denn nicht))?|aus welchem grund",
        "language": "(?:(?:antworte|sage?|schreibe?|wiederhole?|ubersetze?|gib|erklare?)(?:n sie)?"
        "(?: (?:mir|es|das|dies|die antwort|bitte|noch ?mal))* )?(?:das |es )?(?:auf|in|ins)"
        " {language}(?: (?:ubersetzen|antworten|wiederholen|sagen))?|ubersetze? (?:das|es"
        "|die antwort)|(?:sprichst du|sprechen sie) {language}",
        "summary": "fasse?(?: mir)? (?:es|das|ihn|(?:den|diesen) (?:ganzen )?(?:artikel|text)"
        "|(?:das|dieses) dokument)(?: (?:kurz|mal|bitte))* zusammen|(?:eine )?(?:kurze )?"
        "zusammenfassung(?: (?:davon|(?:des|dieses) (?:artikels|textes|dokuments)))?|(?:(?:das|es"
        "|(?:den|diesen) artikel) )?zusammenfassen|worum geht (?:es|s) (?:darin|da|im artikel"
        "|in (?:dem|diesem) artikel)",
        "shorter": "(?:mache? es )?(?:viel |etwas |noch )?kurzer(?: fassen)?|kurz(?: gesagt"
        "| gefasst"
        "| und knapp)?|in einem satz|(?:das ist )?zu lang|fasse? dich kurz(?:er)?|kurzfassung"
        "|(?:eine )?kurzere (?:antwort|fassung)",
        "more": "(?:(?:erzahle?|sage?|gib)(?: mir)? )?(?:noch )?mehr(?: (?:dazu|davon|daruber"
        "|details"
        "|infos|informationen))?|(?:etwas )?(?:genauer|ausfuhrlicher)|(?:mach )?weiter"
        "|weitere (?:details|informationen|einzelheiten)|(?:details|einzelheiten)|was noch|naheres",
    },
    "fr": {
        "evidence": "(?:en )?(?:(?:tu )?es tu|(?:tu|vous) (?:en )?(?:es|etes)|t es|etes vous)"
        " (?:vraiment )?(?:sur|certain)e?s?(?: de (?:ca|cela|toi|vous))?|(?:ah )?vraiment"
        "|c est (?:vrai|sur|exact|certain)"
        "|est ce (?:que c est )?(?:vrai|sur|exact)|ou (?:est ce(?: que c est)?|c est) (?:ecrit|dit)"
        "|ou (?:as tu|avez vous) (?:lu|trouve|vu) (?:ca|cela)|(?:montre|donne|cite)z?(?: moi)?"
        " (?:la|les|ta|tes|vos|votre|une) (?:sources?|preuves?|passages?|citations?)"
        "|(?:la |les )?(?:sources?|preuves?)|prouve(?:z)? le|comment (?:le )?(?:sais tu|savez vous)"
        "(?: cela| ca)?|d ou (?:vient|tiens tu|tenez vous) (?:ca|cela)|quelle est (?:la|ta|votre)"
        " source|qui (?:le )?dit(?: ca| cela)?|je ne (?:te|vous) crois pas",
        "why": "(?:mais )?pourquoi(?: (?:ca|cela|pas|donc|est ce (?:le cas|comme ca)))?"
        "|comment ca se fait|pour quelle raison",
        "language": "(?:(?:reponds|repondez|dis|redis|dites|traduis|traduisez|ecris|repete|repetez)"
        "(?: (?:le|moi|ca|cela|la reponse))* )?en {language}|traduis(?:ez)?(?: (?:le|ca|cela"
        "|la reponse))?|(?:le |la )?traduire en {language}|(?:parles tu|parlez vous|tu parles)"
        " {language}",
        "summary": "resume[rz]?(?: moi)?(?: (?:le|la|ca|cela|(?:l|cet|le|ce) ?(?:article|texte"
        "|document)))?|(?:fais (?:moi )?)?(?:un |le )?(?:bref )?resume(?: de (?:l|cet) article)?"
        "|de quoi (?:parle|traite) (?:l|cet) article",
        "shorter": "(?:fais )?(?:un peu |encore |beaucoup )?plus (?:court|bref|concis|breve)e?"
        "|en (?:une (?:seule )?phrase|bref|resume)|(?:c est )?trop long|raccourcis(?: (?:le|ca))?"
        "|(?:une )?version courte",
        "more": "(?:dis|dites) (?:m en|moi) (?:plus|davantage)|(?:donne(?:z)? moi )?(?:un peu )?"
        "(?:plus|davantage)(?: (?:de (?:details|precisions)|d infos|d informations))?"
        "|(?:plus )?en detail|continue[rz]?|quoi d autre|developpe[rz]?|la suite|ensuite",
    },
    "es": {
        "evidence": "(?:estas?|esta usted) (?:realmente |bien )?segur[oa](?: de (?:eso|ello|esto))?"
        "|segur[oa]|de verdad|en serio|es (?:eso |esto )?(?:verdad|cierto|correcto|asi)(?: eso)?"
        "|(?:en )?donde (?:lo )?(?:dice|pone|esta escrito|aparece|se dice|sale)(?: (?:eso|esto))?"
        "|de donde (?:lo )?(?:sale|viene|sacas|has sacado)(?: (?:eso|esto))?|(?:muestra|ensena|da"
        "|cita)(?:me)? (?:la|las|tu|tus|una) (?:fuentes?|pruebas?|citas?|evidencias?)"
        "|(?:la |las )?(?:fuentes?|pruebas?)|pruebalo|demuestralo|como (?:lo )?sabes(?: eso)?"
        "|quien (?:lo )?dice(?: eso)?|cual es (?:la|tu|su) fuente|no (?:te|lo) creo",
        "why": "(?:pero )?por que(?: (?:eso|no|es asi|razon|motivo))?|(?:y )?eso por que",
        "language": "(?:(?:responde|contesta|di(?:lo|melo)?|traduce(?:lo)?|escribe(?:lo)?"
        "|repite(?:lo)?)(?: (?:eso|esto|la respuesta))* )?(?:en|al) {language}|traduce(?:lo)?"
        "(?: (?:eso|esto|la respuesta))?|traducir(?:lo)? al {language}|hablas {language}",
        "summary": "resum(?:e|elo|eme|ir|irlo)(?: (?:eso|esto|lo|(?:el|este|ese) (?:articulo|texto"
        "|documento)))?|(?:haz(?:me)? )?(?:un |el )?(?:breve )?resumen(?: (?:del|de este|de ese)"
        " (?:articulo|texto|documento))?|de que (?:trata|va) (?:el|este|ese) (?:articulo|texto)",
        "shorter": "(?:un poco |aun |mucho )?mas (?:cort[oa]|breve|concis[oa])|en (?:una (?:sola )?"
        "frase|breve|pocas palabras)|resumido|(?:es )?demasiado largo|(?:acorta|abrevia)(?:lo)?"
        "|(?:una )?version corta",
        "more": "(?:(?:cuenta|da)me )?(?:algo )?mas(?: (?:detalles?|informacion))?(?: sobre (?:eso"
        "|ello|esto))?|con mas detalles?|en (?:mas )?detalle|sigue|continua|que mas|amplia(?:lo)?",
    },
    "zh": {
        "evidence": "[你您]?(?:真的)?(?:确定|肯定)(?:吗|么)?|真的(?:吗|么|假的)?|[这那]?是真的吗"
        "|[这那]?(?:是?在)?哪[里儿](?:有)?(?:说|写|提到)(?:的|了|过)?(?:这个|这点)?"
        "|[这那]?是?从?哪[里儿]来的"
        "|(?:给我)?(?:看看?|显示|给出|列出)(?:一下)?(?:出处|来源|证据|原文|依据)"
        "|(?:出处|来源|证据|依据)(?:呢|是什么|在哪里?)?|证明(?:一下|给我看)?|[你您]怎么知道的?"
        "|有(?:什么)?(?:证据|依据)吗?|谁说的",
        "why": "(?:但)?(?:为什么|为何)(?:呢|会这样|是这样|这样)?|怎么会这样|原因(?:呢|是什么)",
        "language": "(?:[你您]?(?:能|可以))?(?:把(?:它|这个|答案|回答))?(?:用|翻译成|翻译为|译成"
        "|改成|换成){language}"
        "(?:(?:重新)?回答|再?说|重复|写|讲|表达)?(?:一下|一遍)?吗?|说{language}"
        "|{language}(?:版本?|回答)"
        "|翻译(?:一下)?|[你您]?会说{language}吗",
        "summary": "(?:总结|概括|概述|归纳)(?:一下)?(?:它|这个|[这那]?篇?文章|全文)?吧?"
        "|[这那]篇文章(?:讲|说)(?:的是|了)什么",
        "shorter": "再?(?:短|简短|简洁|简单)(?:一点|点|些|一些)|(?:简短|简单)地?(?:说|回答)?|太长了"
        "|(?:用)?一句话(?:说|概括|总结)?|长话短说|简而言之",
        "more": "[再更]?(?:详细|具体)(?:一点|点|些|一些|说明|说说)?|(?:告诉我)?更多(?:信息|细节"
        "|内容)?"
        "|继续说?|还有(?:吗|呢|什么|别的吗)?|多说(?:一点|点|些)|展开(?:说说|讲讲)?",
    },
}


def last_answer_patterns(language: Language) -> dict[AnswerAct, str]:
    """Returns the pattern of each request; the group `language` is the language asked for."""
    named = f"(?P<language>{_LANGUAGES[language]})"
    return {
        act: _numbered(pattern, named) if act == "language" else pattern
        for act, pattern in _PATTERNS[language].items()
    }


def _numbered(pattern: str, named: str) -> str:
    """Returns the pattern with a group of its own for each place of the language."""
    parts = pattern.split("{language}")
    filled = parts[0]
    for number, part in enumerate(parts[1:], start=1):
        filled += named.replace("?P<language>", f"?P<language{number}>") + part
    return filled
