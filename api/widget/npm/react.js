// <footnote-chat> as a component of React 18 and 19.

import { createElement, forwardRef, useEffect, useImperativeHandle, useRef } from "react";
import "./index.js";

const EVENTS = { onAnswer: "answer", onCitation: "citation", onFeedback: "feedback", onError: "error" };

export const FootnoteChat = forwardRef(function FootnoteChat(props, ref) {
  const { starters, tokenProvider, className, onAnswer, onCitation, onFeedback, onError, ...attributes } = props;
  const element = useRef(null);
  const listeners = useRef({});
  listeners.current = { onAnswer, onCitation, onFeedback, onError };
  useImperativeHandle(ref, () => element.current);

  useEffect(() => {
    element.current.tokenProvider = tokenProvider;
  }, [tokenProvider]);

  useEffect(() => {
    const aborter = new AbortController();
    for (const [listener, name] of Object.entries(EVENTS)) {
      const call = (event) => listeners.current[listener]?.(event.detail);
      element.current.addEventListener(`footnote-${name}`, call, { signal: aborter.signal });
    }
    return () => aborter.abort();
  }, []);

  // React 18 sets attributes only, and as text
  const text = starters && JSON.stringify(starters);
  return createElement("footnote-chat", { ...attributes, class: className, starters: text, ref: element });
});
