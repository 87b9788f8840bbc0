import { type ReactNode, StrictMode, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import type { FootnoteChatElement } from "footnote-chat";
import { FootnoteChat } from "footnote-chat/react";

const server = new URLSearchParams(location.search).get("server") ?? location.origin;

function App() {
  const chat = useRef<FootnoteChatElement>(null);
  const [sources, setSources] = useState<string[]>([]);
  const [isFirst, setIsFirst] = useState(true);
  const parts: ReactNode[] = [
    <FootnoteChat key="chat" ref={chat} className="help" server={server} mode="inline"
      starters={["Who supplies the batteries of the SU7?"]}
      onAnswer={(answer) => setSources(answer.citations.map(({ title }) => title))}>
      <b slot="header">Help</b>
    </FootnoteChat>,
    <p key="text">Some text</p>,
  ];
  return (
    <main>
      <button id="move" onClick={() => setIsFirst(!isFirst)}>Move</button>
      <button id="ask" onClick={() => void chat.current?.ask("Who supplies the batteries of the SU7?")}>Ask</button>
      <output>{sources.join(", ")}</output>
      {isFirst ? parts : [...parts].reverse()}
      <footnote-chat id="plain" server={server} starters={["One?"]} onfootnote-error={({ detail }) => alert(detail.message)} />
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
