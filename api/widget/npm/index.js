// Defines <footnote-chat> in a browser. On a server nothing is defined and the promise never resolves.

export const defined =
  typeof document === "undefined"
    ? new Promise(() => undefined)
    : import("./widget.js").then(() => customElements.whenDefined("footnote-chat"));
