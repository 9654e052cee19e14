/** The point next to the pointer, and what is known of it. */

import { duration, moment } from './axes';
import { element } from './dom';
import type { Plot } from './plot';
import type { IPoint, PointStore } from './store';
import type { IChartWords } from './words';

const REACH_PX = 24;

/** Returns the visible point nearest to a place of the plot, null when none is near. */
export function nearest(
  store: PointStore,
  plot: Pick<Plot, 'xOf' | 'leftOf' | 'topOf'>,
  left: number,
  top: number
): IPoint | null {
  const [first, end] = store.window(plot.xOf(left - REACH_PX), plot.xOf(left + REACH_PX));
  const { sentAt, responseMs } = store;
  let best = REACH_PX ** 2;
  let found = -1;
  for (let index = first; index < end; index++) {
    const dx = plot.leftOf(sentAt[index]!) - left;
    const dy = plot.topOf(responseMs[index]!) - top;
    const distance = dx * dx + dy * dy;
    if (distance <= best) {
      best = distance;
      found = index;
    }
  }
  return found < 0 ? null : store.point(found);
}

/** A ring around the point and a box with its facts. */
export class Hover {
  constructor(
    host: HTMLElement,
    private readonly _words: IChartWords
  ) {
    this._tip.setAttribute('role', 'tooltip');
    host.append(this._tip);
    this.hide();
  }

  show(point: IPoint, plot: Plot): void {
    const left = plot.leftOf(point.sentAt);
    const top = plot.topOf(point.responseMs);
    plot.area.append(this._ring);
    this._ring.style.transform = `translate(${left}px, ${top}px)`;
    this._ring.classList.toggle('mlk-mod-failed', point.status >= 400);
    this._tip.replaceChildren(...this._facts(point));
    this._ring.hidden = this._tip.hidden = false;
    this._place(left + plot.area.offsetLeft, top + plot.area.offsetTop);
  }

  hide(): void {
    this._ring.hidden = this._tip.hidden = true;
  }

  private _facts(point: IPoint): HTMLElement[] {
    const words = this._words;
    const facts: [string, string][] = [
      [words.sent, moment(point.sentAt)],
      [words.response, duration(point.responseMs)],
      [words.model, point.modelMs > 0 ? duration(point.modelMs) : '–'],
      [words.version, String(point.version)],
      [words.status, String(point.status)]
    ];
    return facts.flatMap(([name, value]) => [
      element('span', 'mlk-chart-tip-name', name),
      element('span', 'mlk-chart-tip-value', value)
    ]);
  }

  /** Puts the box beside the point, on the side where there is room. */
  private _place(left: number, top: number): void {
    const host = this._tip.parentElement;
    if (!host) {
      return;
    }
    const { offsetWidth: width, offsetHeight: height } = this._tip;
    const right = left + 12 + width <= host.clientWidth;
    const x = Math.max(0, right ? left + 12 : left - 12 - width);
    const y = Math.max(0, Math.min(top - height / 2, host.clientHeight - height));
    this._tip.style.transform = `translate(${x}px, ${y}px)`;
  }

  private readonly _tip = element('div', 'mlk-chart-tip');
  private readonly _ring = element('div', 'mlk-chart-ring');
}
