export type * from "./v1.js";

/** Resolves to the element's class once `<footnote-chat>` is defined; on a server never. */
export declare const defined: Promise<CustomElementConstructor>;
