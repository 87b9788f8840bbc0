// Renders the component on a server, where no script of it is loaded.
import { createSSRApp, h } from "vue";
import { renderToString } from "vue/server-renderer";
import { FootnoteChat } from "footnote-chat/vue";

const props = { server: "https://kb.example", mode: "inline", class: "help", starters: ["One?"] };
console.log(await renderToString(createSSRApp({ render: () => h(FootnoteChat, props) })));
