// The languages of the widget, by the primary subtag of their BCP 47 tag. A new language is a module
// here and an entry below.

import { de } from "./de.js";
import { en, type Strings } from "./en.js";
import { es } from "./es.js";
import { fr } from "./fr.js";
import { zh } from "./zh.js";

export const LANGUAGES: Record<string, Strings> = { en, de, fr, es, zh };
