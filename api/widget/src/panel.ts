// The view of the widget: launcher, panel, header, notices, and the start screen of an empty chat.

import { html, nothing, type TemplateResult } from "lit";
import type { View } from "./source-view.js";
import { pluralize } from "./strings.js";
import { type TurnActions, turnView } from "./turn-view.js";
import type { Ready } from "./wire.js";

export interface PanelState extends TurnActions {
  theme: string | undefined;
  isInline: boolean;
  isOpen: boolean;
  starterQuestions: string[];
  ready: Ready | undefined;
  /** The text of the live region for screen readers. */
  announcement: string;
  needsConsent: boolean;
  open(): void;
  close(): void;
  startNewChat(): void;
  giveConsent(): void;
}

export function panelView(state: PanelState, composer: TemplateResult): TemplateResult {
  const { strings, isInline, turns } = state;
  return html`<div class="root" lang=${strings.code} data-theme=${state.theme ?? "auto"}
    data-mode=${isInline ? "inline" : "launcher"}>
    ${isInline ? nothing : launcherView(state)}
    <section class="panel" part="panel" popover=${isInline ? nothing : "manual"}
      role=${isInline ? "region" : "dialog"} aria-label=${strings.title}>
      ${headerView(state)}
      <div class="log" part="log" role="log" aria-live="off" aria-busy=${state.isBusy}
        aria-label=${strings.conversation} tabindex="0">
        ${noticeView(state)} ${turns.length ? nothing : startView(state)}
        ${turns.map((turn) => turnView(turn, state))}
      </div>
      <p class="hidden" role="status">${state.announcement}</p>
      ${state.needsConsent ? consentView(state) : composer}
      <slot name="footer"></slot>
    </section>
  </div>`;
}

function launcherView(state: PanelState): TemplateResult {
  const toggle = (): void => (state.isOpen ? state.close() : state.open());
  return html`<button type="button" class="launcher" part="launcher" popover="manual"
    aria-expanded=${state.isOpen ?? false} @click=${toggle}>${state.strings.launcher}</button>`;
}

function headerView(state: PanelState): TemplateResult {
  const { strings } = state;
  const newChat = html`<button type="button" class="plain" @click=${() => state.startNewChat()}>
    ${strings.newChat}
  </button>`;
  const close = html`<button type="button" class="icon" aria-label=${strings.close}
    title=${strings.close} @click=${() => state.close()}>✕</button>`;
  return html`<header class="head" part="header">
    <slot name="header"><h2>${strings.title}</h2></slot>
    ${state.turns.length ? newChat : nothing} ${state.isInline ? nothing : close}
  </header>`;
}

function startView(state: PanelState): TemplateResult {
  const { strings, ready, starterQuestions } = state;
  const starterView = (question: string): TemplateResult =>
    html`<button type="button" dir="auto" @click=${() => state.askStarter(question)}>${question}</button>`;
  return html`<slot name="empty">
      <p class="intro">
        ${strings.intro} ${ready?.sources ? pluralize(strings, "articles", ready.sources) : nothing}
      </p>
    </slot>
    <div class="starters" part="starters">${state.needsConsent ? nothing : starterQuestions.map(starterView)}</div>`;
}

function noticeView({ ready, strings }: PanelState): View {
  if (!ready) return nothing;
  if (ready.version && ready.version !== VERSION) return html`<p class="note">${strings.versionMismatch}</p>`;
  if (ready.status === "ready") return nothing;
  return html`<p class="note" role="status">${strings.indexing}</p>`;
}

function consentView(state: PanelState): TemplateResult {
  return html`<div class="composer">
    <slot name="consent"></slot>
    <button type="button" @click=${() => state.giveConsent()}>${state.strings.giveConsent}</button>
  </div>`;
}
