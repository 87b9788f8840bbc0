// The API keys: a table, a form that creates one and shows it once, and revoking.

import { html, nothing, type TemplateResult } from "lit";
import { moment, shown } from "./format.js";
import type { Loader } from "./loader.js";
import { badge, type Column, copyable, loaded, type Piece, table } from "./parts.js";
import { fill, labelOf } from "./texts/index.js";
import type { View } from "./view.js";
import type { Key } from "./wire.js";

const SCOPES = ["read", "write", "admin"];
const BADGES: Record<string, "good" | "bad" | "off"> = { valid: "good", expired: "off", revoked: "bad" };

export class Keys {
  /** The key that was just created, until the reader hides it. */
  #created: string | undefined;

  constructor(
    private readonly view: View,
    private readonly keys: Loader<{ keys: Key[] }>,
  ) {}

  async #create(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const fields = new FormData(form);
    const text = (name: string): string => String(fields.get(name) ?? "").trim();
    const collections = text("collections").split(",").map((one) => one.trim()).filter(Boolean);
    const days = Number(text("days"));
    const body = {
      name: text("name"), scopes: fields.getAll("scope"),
      ...(collections.length && { collections }), ...(days && { expires_days: days }),
    };
    const isCreated = await this.view.act(async () => {
      this.#created = (await this.view.api.post<{ key: string }>("v1/keys", body)).key;
    });
    if (!isCreated) return;
    form.reset();
    await this.keys.load();
    await this.view.updateComplete;
    this.view.querySelector<HTMLElement>(".created")?.focus();
  }

  async #revoke({ id, name }: Key): Promise<void> {
    const { texts, host, api } = this.view;
    const label = shown(name) || shown(id);
    const confirmation = { title: texts.revokeTitle, note: `${label} – ${texts.revokeNote}`, action: texts.revoke };
    if (!(await host.confirm(confirmation))) return;
    await this.view.act(async () => {
      await api.delete(`v1/keys/${encodeURIComponent(id)}`);
      host.announce(fill(texts.revoked, label));
    });
    await this.keys.load();
  }

  #hide(): void {
    this.#created = undefined;
    this.view.requestUpdate();
  }

  render(): TemplateResult {
    const { texts } = this.view;
    return html`<section class="card" aria-labelledby="keys-title"><h3 id="keys-title">${texts.keys}</h3>
      ${this.#createdView()}
      ${loaded(this.keys, texts, ({ keys }) => keys.length
        ? table(texts.keys, this.#columns(), keys)
        : html`<p class="note">${texts.noKeys}</p>`)}
      ${this.#formView()}</section>`;
  }

  #createdView(): Piece {
    const { texts } = this.view;
    if (this.#created === undefined) return nothing;
    return html`<div class="note created" tabindex="-1" role="group" aria-label=${texts.newKey}>
      <p><strong>${texts.newKeyNote}</strong></p>${copyable(this.view, this.#created, texts.newKey)}
      <button type="button" class="plain" @click=${() => this.#hide()}>${texts.hideKey}</button></div>`;
  }

  #columns(): Column<Key>[] {
    const { texts } = this.view;
    return [
      { name: texts.keyName, cell: ({ id, name }) => html`<span dir="auto">${shown(name) || shown(id)}</span>
          <span class="from">${shown(id)}</span>` },
      { name: texts.state, cell: ({ status }) => badge(BADGES[status] ?? "off", shown(labelOf(texts.keyStates, status))) },
      { name: texts.scopes, cell: ({ scopes }) => shown(scopes.join(", ")) },
      { name: texts.collections, cell: ({ collections }) => (collections?.length ? shown(collections.join(", ")) : texts.allCollections) },
      { name: texts.created, cell: ({ created }) => moment(texts, created) },
      { name: texts.expires, cell: ({ expires }) => (expires ? moment(texts, expires) : texts.never) },
      { name: texts.lastUsed, cell: ({ last_used: used }) => (used ? moment(texts, used) : texts.never) },
      { name: texts.actions, isAction: true, cell: (key) => key.status === "revoked" ? nothing : html`<button type="button" class="plain"
          aria-label=${fill(texts.revokeKey, shown(key.name) || key.id)} @click=${() => this.#revoke(key)}>${texts.revoke}</button>` },
    ];
  }

  #formView(): TemplateResult {
    const { texts } = this.view;
    return html`<details><summary>${texts.createKey}</summary>
      <form class="stack" @submit=${(event: SubmitEvent) => this.#create(event)}>
        <label class="field">${texts.keyName}<input name="name" required maxlength="200" autocomplete="off" dir="auto"></label>
        <fieldset><legend>${texts.scopes}</legend>${SCOPES.map((scope) => html`<label class="check">
          <input type="checkbox" name="scope" value=${scope} ?checked=${scope === "read"}>${scope}
          <span class="quiet">${texts.scopeNotes[scope]}</span></label>`)}</fieldset>
        <label class="field">${texts.collections}<input name="collections" maxlength="1000" autocomplete="off" aria-describedby="collections-hint">
          <span class="quiet" id="collections-hint">${texts.collectionsHint}</span></label>
        <label class="field">${texts.expiresDays}<input type="number" name="days" min="1" max="3650" inputmode="numeric"></label>
        <div><button type="submit">${texts.createKey}</button></div>
      </form></details>`;
  }
}
