// The texts of the page at `/` in the languages of `language.js`; most of the English ones are in
// `ask.html`.

const ASK_TEXTS = {
  en: {
    collections: "Collections",
    account: "Account",
    signIn: "Sign in",
    signOut: "Sign out",
  },
  de: {
    title: "Fragen",
    intro: [
      "Stellen Sie eine Frage in Ihren eigenen Worten. Die Antworten stammen nur aus den Artikeln dieses Dienstes, und jeder Satz nennt seine Quelle: Zeigen Sie auf ",
      ", um das Zitat zu lesen, oder klicken Sie darauf, um den Artikel an dieser Stelle zu öffnen. Enthalten die Artikel keine Antwort, sagt der Dienst das.",
    ],
    collections: "Sammlungen",
    account: "Konto",
    signIn: "Anmelden",
    signOut: "Abmelden",
  },
  fr: {
    title: "Poser une question",
    intro: [
      "Posez une question avec vos propres mots. Les réponses viennent uniquement des articles de ce service, et chaque phrase cite sa source : pointez sur ",
      " pour lire la citation, ou cliquez pour ouvrir l’article à cet endroit. Si les articles ne contiennent pas la réponse, le service le dit.",
    ],
    collections: "Collections",
    account: "Compte",
    signIn: "Se connecter",
    signOut: "Se déconnecter",
  },
  es: {
    title: "Preguntar",
    intro: [
      "Haga una pregunta con sus propias palabras. Las respuestas proceden solo de los artículos de este servicio, y cada frase cita su fuente: señale ",
      " para leer la cita, o haga clic para abrir el artículo en ese punto. Si los artículos no contienen la respuesta, el servicio lo dice.",
    ],
    collections: "Colecciones",
    account: "Cuenta",
    signIn: "Iniciar sesión",
    signOut: "Cerrar sesión",
  },
  zh: {
    title: "提问",
    intro: [
      "用您自己的话提问。回答只来自本服务的文章，每句话都注明来源：将鼠标指向 ",
      " 可查看引文，点击可在文章中打开该处。如果文章中没有答案，服务会如实说明。",
    ],
    collections: "文集",
    account: "帐户",
    signIn: "登录",
    signOut: "退出登录",
  },
};
