// The versions of the index that are kept, and the way back to the one before.

import { html, nothing } from "lit";
import { moment, number, shown, size } from "./format.js";
import { progressText } from "./jobs.js";
import type { Loader } from "./loader.js";
import { badge, type Column, loaded, type Piece, table } from "./parts.js";
import { fill } from "./texts/index.js";
import type { View } from "./view.js";
import type { Generation, Generations } from "./wire.js";

export function generationsView(view: View, loader: Loader<Generations>, onChange: () => void): Piece {
  const { texts } = view;
  return html`<section class="card" aria-labelledby="generations-title">
    <h3 id="generations-title">${texts.generations}</h3>
    ${loaded(loader, texts, ({ generations, building }) => html`
      ${building ? html`<p role="status">${texts.building}: ${progressText(texts, building)}</p>` : nothing}
      ${generations.length
        ? table(texts.generations, columns(view), generations)
        : html`<p class="empty">${texts.noGenerations}</p>`}
      ${generations.length > 1
        ? html`<button type="button" class="plain" @click=${() => rollBack(view, onChange)}>${texts.rollback}</button>`
        : nothing}`)}
  </section>`;
}

function columns({ texts }: View): Column<Generation>[] {
  return [
    { name: texts.generation, cell: (one) => html`${shown(one.generation)}
        ${one.is_serving ? badge("good", texts.serving) : nothing}
        ${one.complete === false ? badge("warn", texts.incomplete) : nothing}` },
    { name: texts.built, cell: ({ built_at }) => moment(texts, built_at) },
    { name: texts.sources, isNumber: true, cell: ({ sources }) => number(texts, sources) },
    { name: texts.passages, isNumber: true, cell: ({ passages }) => number(texts, passages) },
    { name: texts.size, isNumber: true, cell: ({ bytes }) => size(texts, bytes) },
    { name: texts.embedder, cell: ({ embedder }) => shown(embedder) || texts.unknown },
  ];
}

async function rollBack(view: View, onChange: () => void): Promise<void> {
  const { texts } = view;
  const confirmation = { title: texts.rollbackTitle, note: texts.rollbackNote, action: texts.rollback };
  if (!(await view.host.confirm(confirmation))) return;
  await view.act(async () => {
    const { generation } = await view.api.post<{ generation: string }>("v1/generations/rollback");
    view.host.announce(fill(texts.rolledBack, generation));
  });
  onChange();
}
