// Renders the component on a server, where no script of it is loaded.
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { FootnoteChat } from "footnote-chat/react";

console.log(renderToString(createElement(FootnoteChat, { server: "https://kb.example", mode: "inline", className: "help" })));
