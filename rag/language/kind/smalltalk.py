"""How people greet, thank and say goodbye, and ask about the service, by language.

Patterns for a whole normalized text (`normalized.py`).
"""

from ..word_cover import Language

GREETINGS: dict[Language, dict[str, str]] = {
    "en": {
        "bye": "good ?bye|bye(?: bye)?|see (?:you|ya)(?: later| soon| tomorrow)?|good night"
        "|farewell"
        "|have a (?:nice|good|great) (?:day|evening|weekend)",
        "thanks": "thank you|thanks?|thx|cheers|ok(?:ay)?|great|cool|nice(?: one)?|perfect"
        "|awesome|excellent|wonderful|(?:very )?good|got it"
        "|well done|good (?:job|bot)|(?:that|this) (?:helps|helped|was helpful)|very helpful",
        "hello": r"hi+|hel+o+|hey+|hiya|howdy|yo|greetings|(?:good )?(?:morning|afternoon|evening)"
        "|good day|how are you(?: doing)?(?: today)?|how s it going|what ?s up"
        "|nice to meet you",
        "": "there|all|everyone|everybody|team|folks|guys|again|so much|very much|a lot|and|dear|my"
        "|friend|footnote|bot|for (?:your|the|all the) (?:help|answers?|info|information)",
    },
    "de": {
        "bye": "tschus+|ciao|auf wiedersehen|bis (?:bald|spater|dann|morgen)|gute nacht|servus"
        "|(?:einen )?schonen (?:tag|abend|feierabend)",
        "thanks": "danke(?: schon| sehr| dir| ihnen)?|dankeschon|vielen(?: lieben)? dank"
        "|besten dank|prima|super|toll|alles klar|verstanden",
        "hello": "hallo+|moin(?: moin)?|guten (?:tag|morgen|abend)|gruss gott|grussgott|gruezi"
        "|wie geht(?: es|s)(?: dir| ihnen)?|was geht(?: ab)?",
        "": "zusammen|alle|leute|nochmal|noch|und|liebes|team|footnote|fur (?:die|deine|ihre) hilfe"
        "|hi|hey|ok|okay",
    },
    "fr": {
        "bye": "au revoir|a bientot|a plus(?: tard)?|bonne (?:journee|soiree|nuit)|adieu",
        "thanks": "merci(?: beaucoup| bien)?|mille mercis|parfait|super|tres bien|d accord|genial",
        "hello": "bonjour|bonsoir|salut|coucou|(?:comment )?(?:ca va|vas tu|allez vous)",
        "": "a tous|a toutes|tout le monde|l equipe|et|encore|footnote|pour (?:votre|ton|l) aide"
        "|ok",
    },
    "es": {
        "bye": "adios|hasta (?:luego|pronto|manana|la vista)|chao|que tengas? (?:un )?buen dia",
        "thanks": "(?:muchas |mil )?gracias|perfecto|genial|de acuerdo|entendido|vale|muy bien",
        "hello": "hola|buenas|buen(?:os|as)? (?:dias?|tardes|noches)|que tal|como estas?|saludos",
        "": "a todos|a todas|equipo|y|otra vez|footnote|por (?:tu|su|la) ayuda|ok|muy|buenas",
    },
    "zh": {
        "bye": "再见|拜拜|回头见|晚安",
        "thanks": "(?:非常|十分|多)?(?:谢谢|感谢|多谢)(?:你|您|大家)?(?:的帮助)?|好的|好吧|明白了"
        "|知道了",
        "hello": "你好吗?|您好|大家好|嗨|哈喽|哈啰|早上好|下午好|晚上好|早安|在吗",
        "": "啊|呀|了|哦",
    },
}
"""What is said, by whether it greets, thanks or says goodbye; "" goes with any of these."""

SERVICE: dict[Language, str] = {
    "en": "what all can you do|what (?:can|could|do) (?:you|u) do(?: for (?:me|us))?(?: here)?"
    "|what you can do(?: for me)?|what are you(?: able to do| capable of| for)?|who (?:are"
    "|r) (?:you|u)"
    "|who (?:made|built|created) you|what (?:is|s) footnote|how (?:do you|does footnote) work"
    "|(?:how|what) (?:can|could) (?:you|u) help(?: (?:me|us))?(?: (?:with|here))?"
    "|help(?: me)?|what (?:things |questions |kind of questions |sort of questions )?can i ask"
    "(?: you)?(?: here)?|what (?:kind of |sort of )?questions can you answer"
    "|what do you know(?: about)?|are you (?:an? )?(?:bot|robot|human|person|real(?: person)?|ai"
    "|chatbot|machine|llm|chatgpt)(?: or (?:an? )?(?:bot|robot|human|person|real(?: person)?|ai"
    "|machine))?|(?:do you know )?(?:a|another|any) (?:good |funny )?jokes?|make me laugh"
    "|sing (?:me )?(?:a song|something)|what (?:is|s) your (?:name|purpose|job)|how (?:do"
    "|can) i use you"
    "|about yourself|introduce yourself|where do you get your (?:answers|information)(?: from)?"
    "|where do your answers come from",
    "de": "was (?:kannst du|konnen sie|konnt ihr|machst du|machen sie|weisst du|wissen sie)"
    "(?: (?:alles|so|hier|denn|fur mich|tun|machen)){0,4}|was kann ich (?:dich|sie|hier|euch)"
    "(?: alles| hier)? fragen|wer (?:bist du|sind sie)|was bist du|was ist footnote"
    "|wie funktioniert footnote|wie funktionierst du|wie (?:kannst du|konnen sie) mir"
    " (?:weiter)?helfen|(?:wobei|womit) (?:kannst du|konnen sie) mir (?:weiter)?helfen|hilfe"
    "|(?:bist du|sind sie) (?:eine? )?(?:bot|roboter|mensch|ki|chatbot|maschine)"
    "(?: oder (?:eine? )?(?:bot|roboter|mensch|ki|maschine))?|wie heisst du"
    "|(?:(?:erzahle?|sage?)(?: mir)?|kennst du) (?:noch )?einen witz"
    "|hilf mir|stell dich vor|woher (?:hast du|kommen) deine (?:antworten|informationen)",
    "fr": "que (?:peux tu|pouvez vous|sais tu|savez vous) faire(?: pour (?:moi|nous))?"
    "|qu est ce que (?:tu peux|vous pouvez|tu sais|vous savez) faire(?: pour moi)?"
    "|tu peux faire quoi|vous pouvez faire quoi|qui (?:es tu|etes vous)|(?:tu es|vous etes"
    "|t es) qui"
    "|(?:c est quoi|qu est ce que|qu est ce que c est que) footnote"
    "|comment (?:fonctionnes tu|fonctionnez vous|tu fonctionnes|vous fonctionnez"
    "|fonctionne footnote)"
    "|comment (?:peux tu|pouvez vous) (?:m|nous) ?aider|(?:a l )?aide|aide moi|aidez moi"
    "|(?:es tu|etes vous|tu es|vous etes) une? (?:robot|bot|humain|ia|chatbot|machine)"
    "(?: ou une? (?:robot|bot|humain|ia|machine))?"
    "|(?:raconte[rz]?(?: moi)? |connais tu |connaissez vous )?une (?:autre )?blague"
    "|qu est ce que je peux (?:te|vous) demander|que puis je (?:te |vous )?demander|[mn] ?aider",
    "es": "que (?:puedes|sabes|puede|sabe) hacer(?: por mi)?|quien(?: eres| es usted)|que eres"
    "|que es footnote|como funciona(?:s| footnote)|como (?:puedes|puede) ayudarme"
    "|como me (?:puedes|puede) ayudar|en que (?:puedes ayudarme|me puedes ayudar)|ayuda(?:rme|me)?"
    "|eres (?:una? )?(?:robot|bot|humano|ia|chatbot|persona|maquina)"
    "(?: o (?:una? )?(?:robot|bot|humano|ia|persona|maquina))?|como te llamas"
    "|(?:cuenta(?:me)? |sabes (?:algun )?)?(?:(?:un|otro) )?chiste"
    "|que (?:te |le )?(?:puedo|se puede) preguntar(?:te|le)?",
    "zh": "[你您](?:都|能|可以|会|都能|都会)(?:做|干|帮我做)(?:些|点)?什么[呢吗啊]?"
    "|[你您](?:能|可以)怎么帮(?:助)?我|[你您]是(?:谁|什么|什么东西)|footnote是什么"
    "|[你您]是?(?:怎么|如何)(?:工作|运作)的?|(?:使用)?帮助|帮帮我|[你您]叫什么(?:名字)?"
    "|我?(?:可以|能)问[你您]?(?:些|一些)?什么(?:问题)?|[你您]是(?:一个)?(?:机器人|人工智能|ai"
    "|真人|人)(?:吗|还是(?:机器人|人工智能|ai|真人|人))|(?:给我)?[讲说]一?个?笑话",
}
SERVICE_AT_FIRST: dict[Language, str] = {
    "en": "what (?:is|s) this(?: (?:site|tool|service|chat|bot|app|page|thing))?(?: for| about)?"
    "|how (?:do|does) (?:this|it)(?: (?:site|tool|service|chat|bot|app|thing))? work"
    "|how (?:do|can) i use (?:this|it)(?: (?:site|tool|service|chat|bot|app))?|how to use this",
    "de": "was ist das(?: hier)?|wie funktioniert (?:das|dies|es)(?: hier)?|was kann man hier"
    "(?: machen| fragen)?|was macht man hier",
    "fr": "c est quoi(?: ca)?|qu est ce que c est(?: que ca)?|comment (?:ca|cela) (?:marche"
    "|fonctionne)",
    "es": "que es esto|como funciona(?: esto)?|como se usa(?: esto)?|para que sirve esto",
    "zh": "这(?:个)?是(?:什么|干什么的|做什么的)|(?:这个?)?(?:怎么|如何)(?:用|使用)|这是怎么用的",
}
"""Such a question is about the service only where nothing has been talked about before."""
