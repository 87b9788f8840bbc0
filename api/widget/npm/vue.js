// <footnote-chat> as a component of Vue 3.

import { defineComponent, h, shallowRef } from "vue";
import "./index.js";

export const FootnoteChat = defineComponent({
  name: "FootnoteChat",
  props: {
    server: { type: String, required: true },
    collection: String,
    mode: String,
    theme: String,
    lang: String,
    starters: Array,
    tokenProvider: Function,
  },
  emits: ["answer", "citation", "feedback", "error"],
  setup(props, { emit, expose, slots }) {
    const element = shallowRef(null);
    const call = (name, ...values) => element.value?.[name]?.(...values);
    expose({
      element,
      ask: async (question) => call("ask", question),
      open: () => call("open"),
      close: () => call("close"),
      clear: () => call("clear"),
    });
    return () => {
      const { starters, tokenProvider, ...attributes } = props;
      return h(
        "footnote-chat",
        {
          ...attributes,
          ref: element,
          ".starters": starters,
          ".tokenProvider": tokenProvider,
          "onFootnote-answer": ({ detail }) => emit("answer", detail),
          "onFootnote-citation": ({ detail }) => emit("citation", detail),
          "onFootnote-feedback": ({ detail }) => emit("feedback", detail),
          "onFootnote-error": ({ detail }) => emit("error", detail),
        },
        slots.default?.(),
      );
    };
  },
});
