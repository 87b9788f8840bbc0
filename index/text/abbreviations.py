"""Abbreviations of the five interface languages, by whether a sentence may end with them.

Lower case, without the last period. Chinese has none that end in a period.
"""

import re

ABBREVIATIONS = frozenset(
    # English
    "mr mrs ms messrs dr prof st mt ft gen col lt sgt capt cmdr maj adm sen rep gov pres rev hon "
    "sr no nos vol vols pp fig figs eq eqs ch sec art cf vs v viz approx ca c. bros dept univ "
    "incl excl jan feb mar apr jun jul aug sep sept oct nov dec "
    # German
    "nr hr fr frl mio mrd tsd hrsg vgl bzw inkl exkl zzgl zzt ggf ggfs evtl gem sog bspw insb "
    "insbes einschl entspr bzgl betr allg urspr wg dipl ing abt geb gest zit "
    # French
    "mme mmes mlle mlles ste sté cie env av hab chap éd réf tél boul bd janv févr avr juil juill "
    "déc dép "
    # Spanish
    "sra srta sres sras dra dras dña lic gral profa avda avd ctra núm núms pág "
    "págs aprox tfno izq izda dcha dpto depto cía admón ee".split()
)
"""After these a sentence goes on."""

AMBIGUOUS = frozenset("no mar st art est dec sec v sr".split())
"""Of those above: words or endings, too, so a sentence may end before a frequent first word."""

FINAL = frozenset("jr al inc ltd co corp etc est usw uvm dgl uu".split())
"""A sentence ends with these where a capital follows."""

BEFORE_NUMBER = frozenset(
    "para par cl ref reg ext tel max min mind abs kap abb anl anm ziff rn rz std sek jg arts okt "
    "dez mär ene abr ago dic Tab Mo Di Mi Do Sa So".split()
)
"""Abbreviations only where a number follows: most are words, too."""

SPACED = re.compile(
    r"(?<![^\W_])(?:e\.\s?g|i\.\s?e|z\.\s?[bt]|d\.\s?h|i\.\s?d\.\s?r|u\.\s?u|v\.\s?a|s\.\s?[ou]"
    r"|m\.\s?e|o\.\s?g|p\.\s?ex|p\.\s?ej|c\.-à-d)\Z",
    re.IGNORECASE,
)
"""Of several letters, often with a blank between; no sentence ends with them."""
