/** What the chart says; a host with a translator gives its own. */

export interface IChartWords {
  readonly empty: string;
  readonly live: string;
  readonly liveHint: string;
  readonly all: string;
  readonly allHint: string;
  readonly log: string;
  readonly logHint: string;
  readonly help: string;
  readonly sent: string;
  readonly response: string;
  readonly model: string;
  readonly version: string;
  readonly status: string;
  /** Says how many queries are visible, of how many. */
  queries(visible: number, total: number): string;
  failed(count: number): string;
  /** Says everything the picture shows. */
  picture(queries: string, failed: string, p50: string, p95: string, p99: string): string;
}

const number = new Intl.NumberFormat();

export const ENGLISH: IChartWords = {
  empty: 'No queries yet: each one becomes a point here.',
  live: 'Live',
  liveHint: 'Follow the newest queries (double click)',
  all: 'All',
  allHint: 'Show all queries',
  log: 'Log',
  logHint: 'Logarithmic scale',
  help: 'Drag to pan, wheel to zoom, Shift and drag to zoom to a box, double click for live.',
  sent: 'sent',
  response: 'response',
  model: 'model',
  version: 'version',
  status: 'status',
  queries: (visible, total) =>
    visible === total
      ? `${number.format(total)} ${total === 1 ? 'query' : 'queries'}`
      : `${number.format(visible)} of ${number.format(total)} queries`,
  failed: count => (count ? `${number.format(count)} failed` : ''),
  picture: (queries, failed, p50, p95, p99) =>
    `Response times of ${queries}${failed && `, ${failed}`}: median ${p50}, ` +
    `95th percentile ${p95}, 99th percentile ${p99}.`
};
