// Around the turns: the launcher, the panel with its head, what an empty conversation says, notices.

import { html, nothing, type TemplateResult } from "lit";
import { counted } from "./strings.js";
import type { Turn } from "./turn.js";
import { type Actions, turnView } from "./views.js";
import type { Ready } from "./wire.js";

export interface Shell extends Actions {
  theme: string | undefined;
  inline: boolean;
  shown: boolean;
  busy: boolean;
  turns: Turn[];
  starters: string[] | undefined;
  ready: Ready | undefined;
  /** What screen readers are told. */
  said: string;
  asksConsent: boolean;
  open(): void;
  close(): void;
  anew(): void;
  agree(): void;
  begin(starter: string): void;
}

type Part = TemplateResult | typeof nothing;

export function shellView(shell: Shell, composer: TemplateResult): TemplateResult {
  const { words, inline, turns } = shell;
  return html`<div class="root" lang=${words.code} data-theme=${shell.theme ?? "auto"}
    data-mode=${inline ? "inline" : "launcher"}>
    ${inline ? nothing : launcherView(shell)}
    <section class="panel" part="panel" popover=${inline ? nothing : "manual"}
      role=${inline ? "region" : "dialog"} aria-label=${words.title}>
      ${headView(shell)}
      <div class="log" part="log" role="log" aria-live="off" aria-busy=${shell.busy}
        aria-label=${words.log} tabindex="0">
        ${noticeView(shell)} ${turns.length ? nothing : emptyView(shell)}
        ${turns.map((turn) => turnView(turn, shell))}
      </div>
      <p class="hidden" role="status">${shell.said}</p>
      ${shell.asksConsent ? consentView(shell) : composer}
      <slot name="footer"></slot>
    </section>
  </div>`;
}

function launcherView(shell: Shell): TemplateResult {
  const toggle = (): void => (shell.shown ? shell.close() : shell.open());
  return html`<button type="button" class="launcher" part="launcher" popover="manual"
    aria-expanded=${shell.shown ?? false} @click=${toggle}>${shell.words.open}</button>`;
}

function headView(shell: Shell): TemplateResult {
  const { words } = shell;
  const fresh = html`<button type="button" class="plain" @click=${() => shell.anew()}>
    ${words.fresh}
  </button>`;
  const close = html`<button type="button" class="icon" aria-label=${words.close}
    title=${words.close} @click=${() => shell.close()}>✕</button>`;
  return html`<header class="head" part="header">
    <slot name="header"><h2>${words.title}</h2></slot>
    ${shell.turns.length ? fresh : nothing} ${shell.inline ? nothing : close}
  </header>`;
}

function emptyView(shell: Shell): TemplateResult {
  const { words, ready, starters } = shell;
  const begin = (starter: string): TemplateResult =>
    html`<button type="button" dir="auto" @click=${() => shell.begin(starter)}>${starter}</button>`;
  return html`<slot name="empty">
      <p class="intro">
        ${words.intro} ${ready?.sources ? counted(words, "articles", ready.sources) : nothing}
      </p>
    </slot>
    <div class="starters" part="starters">${shell.asksConsent ? nothing : starters?.map(begin)}</div>`;
}

function noticeView({ ready, words }: Shell): Part {
  if (!ready) return nothing;
  if (ready.version && ready.version !== VERSION) return html`<p class="note">${words.mismatch}</p>`;
  if (ready.status === "ready") return nothing;
  return html`<p class="note" role="status">${words.building}</p>`;
}

function consentView(shell: Shell): TemplateResult {
  return html`<div class="composer">
    <slot name="consent"></slot>
    <button type="button" @click=${() => shell.agree()}>${shell.words.agree}</button>
  </div>`;
}
