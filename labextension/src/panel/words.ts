/** Words for states and actions. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { ENGLISH, type IChartWords } from '../chart';
import type { Action, IShownModel } from '../model/actions';

export function stateWord(trans: TranslationBundle, { state, asked }: IShownModel): string {
  switch (asked) {
    case 'start':
      return trans.__('starting…');
    case 'stop':
      return trans.__('stopping…');
    case 'restart':
      return trans.__('restarting…');
    case 'delete':
      return trans.__('deleting…');
    case null:
      break;
  }
  switch (state) {
    case 'stopped':
      return trans.__('stopped');
    case 'pending':
      return trans.__('pending');
    case 'running':
      return trans.__('running');
    case 'stopping':
      return trans.__('stopping');
    case 'failed':
      return trans.__('failed');
  }
}

export function actionLabel(trans: TranslationBundle, action: Action, name: string): string {
  switch (action) {
    case 'start':
      return trans.__('Start %1', name);
    case 'stop':
      return trans.__('Stop %1', name);
    case 'restart':
      return trans.__('Restart %1', name);
    case 'delete':
      return trans.__('Delete %1', name);
  }
}

/** Returns the chart's words in the language of the panel. */
export function chartWords(trans: TranslationBundle): IChartWords {
  return {
    ...ENGLISH,
    empty: trans.__('No queries yet: each one becomes a point here.'),
    live: trans.__('Live'),
    liveHint: trans.__('Follow the newest queries (double click)'),
    all: trans.__('All'),
    allHint: trans.__('Show all queries'),
    log: trans.__('Log'),
    logHint: trans.__('Logarithmic scale'),
    help: trans.__(
      'Drag to pan, wheel to zoom, Shift and drag to zoom to a box, double click for live.'
    ),
    sent: trans.__('sent'),
    response: trans.__('response'),
    model: trans.__('model'),
    version: trans.__('version'),
    status: trans.__('status'),
    queries: (visible, total) =>
      visible === total
        ? trans._n('%1 query', '%1 queries', total)
        : trans.__('%1 of %2 queries', visible, total),
    failed: count => (count ? trans.__('%1 failed', count) : ''),
    picture: (queries, failed, p50, p95, p99) =>
      trans.__(
        'Response times of %1: median %2, 95th percentile %3, 99th percentile %4.',
        failed ? `${queries}, ${failed}` : queries,
        p50,
        p95,
        p99
      )
  };
}
