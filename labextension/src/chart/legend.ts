/** The line above the plot: how many queries, and their percentiles. */

import { duration } from './axes';
import { element } from './dom';
import type { IStatistics } from './percentiles';
import type { IChartWords } from './words';

export class Legend {
  readonly counts = element('div', 'mlk-chart-counts');
  readonly percentiles = element('div', 'mlk-chart-percentiles');

  constructor(private readonly _words: IChartWords) {
    this.counts.append(this._count, this._failed);
    for (const name of ['p50', 'p95', 'p99'] as const) {
      const item = element('span', `mlk-chart-item mlk-mod-${name}`);
      item.append(element('span', 'mlk-chart-swatch'), `${name} `, this._values[name]);
      this.percentiles.append(item);
    }
  }

  /** Shows the statistics; returns all that the picture tells, in words. */
  show(statistics: IStatistics, total: number): string {
    const words = this._words;
    const queries = words.queries(statistics.count, total);
    const failed = words.failed(statistics.failed);
    put(this._count, queries);
    put(this._failed, failed);
    for (const name of ['p50', 'p95', 'p99'] as const) {
      put(this._values[name], duration(statistics[name]));
    }
    const { p50, p95, p99 } = statistics;
    return words.picture(queries, failed, duration(p50), duration(p95), duration(p99));
  }

  private readonly _count = element('span', 'mlk-chart-count');
  private readonly _failed = element('span', 'mlk-chart-failed');
  private readonly _values = {
    p50: element('span', 'mlk-chart-value'),
    p95: element('span', 'mlk-chart-value'),
    p99: element('span', 'mlk-chart-value')
  };
}

/** Changes text only when it is another: each change costs a layout. */
function put(node: HTMLElement, text: string): void {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}
