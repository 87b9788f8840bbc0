// Uses of the element in JSX, and misuses, which must be errors.
import { useRef } from "react";
import type { FootnoteChatElement } from "../v1.js";

export function Chat() {
  const chat = useRef<FootnoteChatElement>(null);
  return (
    <footnote-chat
      ref={chat}
      className="help"
      style={{ height: 400 }}
      server="https://kb.example"
      mode="inline"
      starters={["How?"]}
      tokenProvider={() => "token"}
      onfootnote-answer={({ detail }) => console.log(detail.citations.length)}
      onClick={() => chat.current?.ask("How?")}
    >
      <b slot="header">Help</b>
    </footnote-chat>
  );
}

export const misuses = [
  // @ts-expect-error no such mode
  <footnote-chat mode="window" />,
  // @ts-expect-error a function
  <footnote-chat tokenProvider="token" />,
  // @ts-expect-error no such property
  <footnote-chat sever="https://kb.example" />,
  // @ts-expect-error no such field
  <footnote-chat onfootnote-answer={({ detail }) => detail.text} />,
];
