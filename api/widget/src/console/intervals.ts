// A picture of measured shares: a dot at the value and a line over its interval, on a scale of 0 to 1.

import { html, nothing, svg, type TemplateResult } from "lit";
import { number, percent } from "./format.js";
import type { Texts } from "./texts/index.js";
import type { MetricValue } from "./wire.js";

const WIDTH = 200;
const HEIGHT = 16;
const MARGIN = 6;
const MIDDLE = HEIGHT / 2;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

const at = (share: number): number => MARGIN + Math.min(Math.max(share, 0), 1) * (WIDTH - 2 * MARGIN);

/** Whether a metric is a share, which the picture can show. */
function isShare({ value, low, high, unit }: MetricValue): boolean {
  return ["rate", "score"].includes(unit) && [value, low, high].every((share) => share === null || (share >= 0 && share <= 1));
}

/** The picture of one metric, and its numbers in words. */
export function intervalView(texts: Texts, metric: MetricValue): TemplateResult {
  const { value, low, high } = metric;
  const hasInterval = low !== null && high !== null;
  if (value === null || !isShare(metric)) return html`<span>${number(texts, value, 1)}</span>`;
  const words = hasInterval ? `${percent(texts, value)} (${percent(texts, low)}–${percent(texts, high)})` : percent(texts, value);
  return html`<span class="interval"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width=${WIDTH} height=${HEIGHT} aria-hidden="true">
      ${TICKS.map((tick) => svg`<line class="tick" x1=${at(tick)} x2=${at(tick)} y1="1" y2=${HEIGHT - 1}></line>`)}
      ${hasInterval ? svg`<line class="range" x1=${at(low)} x2=${at(high)} y1=${MIDDLE} y2=${MIDDLE}></line>` : nothing}
      <circle cx=${at(value)} cy=${MIDDLE} r="4"></circle></svg>
    <span>${words}</span></span>`;
}
