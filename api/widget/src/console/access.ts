// <console-access>: keys, the sites that may embed the widget with the lines to paste, and the checks
// of `footnote doctor`.

import { html, nothing, type TemplateResult } from "lit";
import { shown } from "./format.js";
import { Keys } from "./keys.js";
import { Loader } from "./loader.js";
import { badge, copyable, loaded, type Piece } from "./parts.js";
import { View } from "./view.js";
import type { Check, Checks, Key, Origins } from "./wire.js";

export class AccessView extends View {
  readonly #loadedKeys = new Loader<{ keys: Key[] }>(this, () => this.api.get("v1/keys"));
  readonly #origins = new Loader<Origins>(this, () => this.api.get("v1/widget/origins"));
  readonly #checks = new Loader<Checks>(this, () => this.api.get("v1/doctor"));
  readonly #keys = new Keys(this, this.#loadedKeys);

  override connectedCallback(): void {
    super.connectedCallback();
    void this.updateComplete.then(() =>
      Promise.all([this.#loadedKeys.load(), this.#origins.load(), this.#checks.load()]));
  }

  override render(): TemplateResult {
    return html`<h2>${this.texts.views.access}</h2>
      ${this.#keys.render()} ${this.#originsView()} ${this.#checksView()}`;
  }

  #originsView(): TemplateResult {
    const { texts } = this;
    return html`<section class="card" aria-labelledby="widget-title"><h3 id="widget-title">${texts.widgetTitle}</h3>
      ${loaded(this.#origins, texts, ({ origins, script, element, blockers }) => html`
        ${origins.length
          ? html`<h4>${texts.widgetOrigins}</h4><ul class="list">${origins.map((origin) => html`<li dir="auto">${shown(origin)}</li>`)}</ul>`
          : html`<p class="empty">${texts.noOrigins}</p>`}
        <h4>${texts.widgetLines}</h4>${copyable(this, `${script}\n${element}`, texts.widgetLines)}
        ${blockers.length ? this.#blockersView(blockers) : nothing}`)}</section>`;
  }

  #blockersView(blockers: string[]): TemplateResult {
    return html`<div class="note"><h4>${this.texts.blockers}</h4>
      <ul class="list">${blockers.map((blocker) => html`<li dir="auto">${shown(blocker)}</li>`)}</ul></div>`;
  }

  #checksView(): TemplateResult {
    const { texts } = this;
    return html`<section class="card" aria-labelledby="health-title"><div class="row between">
        <h3 id="health-title">${texts.health}</h3>
        <button type="button" class="plain" ?disabled=${this.#checks.isLoading} @click=${() => void this.#checks.load()}>${texts.refresh}</button></div>
      ${loaded(this.#checks, texts, ({ ok, checks }) => html`
        <p role="status">${ok ? badge("good", texts.healthy) : badge("bad", texts.unhealthy)}</p>
        <ul class="checks">${checks.map((check) => this.#checkView(check))}</ul>`)}</section>`;
  }

  #checkView({ check, ok, detail }: Check): Piece {
    const { ok: works, failed, skipped } = this.texts.checkStates;
    const state = ok === null ? badge("off", skipped) : ok ? badge("good", works) : badge("bad", failed);
    return html`<li>${state} <strong>${shown(check)}</strong> <span dir="auto">${shown(detail)}</span></li>`;
  }
}

customElements.define("console-access", AccessView);
