/** Colours of the chart: the host's CSS variables, read anew whenever its theme may have changed. */

export interface IColors {
  readonly text: string;
  readonly back: string;
  readonly grid: string;
  readonly dot: string;
  readonly failed: string;
  readonly p50: string;
  readonly p95: string;
  readonly p99: string;
  readonly font: string;
}

const NAMES = ['text', 'back', 'dot', 'failed', 'p50', 'p95', 'p99', 'font'] as const;
const GRID_OPACITY = 0.14;

/** Returns the colours that chart.css computes for `root` in the theme of the moment. */
export function readColors(root: HTMLElement): IColors {
  const style = getComputedStyle(root);
  const read = (name: string): string => style.getPropertyValue(`--mlk-chart-${name}`).trim();
  const entries = NAMES.map(name => [name, read(name) || 'gray'] as const);
  const colors = Object.fromEntries(entries) as unknown as Omit<IColors, 'grid'>;
  // Borders are as strong as text in themes of high contrast; a grid must not be.
  return { ...colors, grid: faded(colors.text, GRID_OPACITY) };
}

function faded(color: string, opacity: number): string {
  const pixel = pixelOf(color);
  const channels = [pixel, pixel >> 8, pixel >> 16].map(channel => channel & 0xff);
  return `rgba(${channels.join(', ')}, ${opacity})`;
}

/** Returns a CSS colour as the bytes of one pixel, 0xAABBGGRR. */
export function pixelOf(color: string): number {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) {
    return 0xff808080;
  }
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const { data } = context.getImageData(0, 0, 1, 1);
  return new Uint32Array(data.buffer)[0]!;
}

const QUERIES = [
  '(prefers-color-scheme: dark)',
  '(forced-colors: active)',
  '(prefers-contrast: more)'
];

/** Calls `changed` when the page's theme may have changed; returns the function that ends it. */
export function watchTheme(changed: () => void): () => void {
  const ended = new AbortController();
  // JupyterLab marks its theme on the body (data-jp-theme-*), VS Code by body's class, Colab on html.
  const observer = new MutationObserver(changed);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true });
  }
  for (const query of QUERIES) {
    matchMedia(query).addEventListener('change', changed, { signal: ended.signal });
  }
  // A theme's style sheet may arrive after the page was marked.
  document.addEventListener(
    'load',
    event => {
      if (event.target instanceof HTMLLinkElement) {
        changed();
      }
    },
    { capture: true, signal: ended.signal }
  );
  return () => {
    ended.abort();
    observer.disconnect();
  };
}
