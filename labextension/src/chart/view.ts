/** The response-time chart of the panel and of the notebook. */

import { element, toggleButton } from './dom';
import { Gestures, type IGestureTarget } from './gestures';
import { Hover, nearest } from './hover';
import { Label } from './label';
import { Legend } from './legend';
import { Plot } from './plot';
import { SceneMaker } from './scene';
import { type IPointBatch, PointStore } from './store';
import { readColors, watchTheme } from './theme';
import { type IExtent, Viewport } from './viewport';
import { ENGLISH, type IChartWords } from './words';

export interface IChartOptions {
  /** Points, shared with other views of the same service; a store of its own if left out. */
  readonly store?: PointStore;
  readonly words?: IChartWords;
  readonly title?: string;
}

export class ResponseTimeChart {
  readonly store: PointStore;
  readonly node = element('div', 'mlk-chart');

  constructor(host: HTMLElement, options: IChartOptions = {}) {
    this.store = options.store ?? new PointStore();
    this._words = options.words ?? ENGLISH;
    this._scenes = new SceneMaker(this.store, this._viewport);
    this._legend = new Legend(this._words);
    this._tools = this._buildTools();
    this._buildNode(options.title ?? '');
    host.append(this.node);
    this._hover = new Hover(this._plotHost, this._words);
    this._plot = new Plot(this._plotHost, this.store, readColors(this.node), false);
    this._gestures = new Gestures(this._plotHost, this._target());
    this._gestures.attach(this._plot.area);
    this._ends = [this.store.onChange(() => this._changed()), watchTheme(() => this._retheme())];
    this._resizes.observe(this._plotHost);
    this._changed();
  }

  append(batch: IPointBatch): void {
    this.store.append(batch);
  }

  reset(batch?: IPointBatch): void {
    this.store.reset(batch);
  }

  get title(): string {
    return this._title.textContent;
  }

  set title(text: string) {
    this._title.textContent = text;
    this._title.hidden = text === '';
  }

  /** A quiet line below the plot, such as that nothing more will come; none if empty. */
  set note(text: string) {
    this._note.textContent = text;
    this._note.hidden = text === '';
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Releases everything; may be called again. */
  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    cancelAnimationFrame(this._frame);
    clearTimeout(this._later);
    this._label.dispose();
    this._resizes.disconnect();
    this._ends.forEach(end => {
      end();
    });
    this._gestures.dispose();
    this._plot.dispose();
    this.node.remove();
  }

  // -- building -----------------------------------------------------------------------------------

  private _buildTools(): Record<'live' | 'all' | 'log', HTMLButtonElement> {
    const words = this._words;
    return {
      live: toggleButton(words.live, words.liveHint, () => this._goLive()),
      all: toggleButton(words.all, words.allHint, () => this._showAll()),
      log: toggleButton(words.log, words.logHint, () => this._toggleLog())
    };
  }

  private _buildNode(title: string): void {
    const head = element('div', 'mlk-chart-head');
    const tools = element('div', 'mlk-chart-tools');
    tools.append(this._tools.live, this._tools.all, this._tools.log);
    head.append(this._title, this._legend.counts, this._legend.percentiles, tools);
    this._plotHost.tabIndex = 0;
    this._plotHost.setAttribute('role', 'img');
    this._plotHost.setAttribute('aria-description', this._words.help);
    this._legend.percentiles.title = this._words.help;
    this._plotHost.append(this._empty);
    this._empty.textContent = this._words.empty;
    this._note.setAttribute('role', 'status');
    this.node.append(head, this._plotHost, this._note);
    this.title = title;
    this.note = '';
  }

  private _target(): IGestureTarget {
    return {
      pan: (along, up) => {
        this._viewport.pan(this._extent(), along, up);
        this._schedule();
      },
      zoom: (around, factor) => {
        const zoomed = this._viewport.zoom(this._extent(), around, factor);
        this._schedule();
        return zoomed;
      },
      box: (left, top, right, bottom) => {
        const plot = this._plot;
        this._viewport.box(
          { min: plot.xOf(left), max: plot.xOf(right) },
          { min: Math.max(0, plot.yOf(bottom)), max: plot.yOf(top) }
        );
        this._schedule();
      },
      live: () => this._goLive(),
      hover: place => {
        this._pointer = place;
        this._schedule();
      }
    };
  }

  // -- what changes -------------------------------------------------------------------------------

  private _changed(): void {
    this.node.dataset.points = String(this.store.count);
    this._empty.hidden = this.store.count > 0;
    this._schedule();
  }

  private _goLive(): void {
    this._viewport.goLive();
    this._schedule();
  }

  private _showAll(): void {
    this._viewport.showAll(this._extent());
    this._schedule();
  }

  private _toggleLog(): void {
    this._log = !this._log;
    this._tools.log.setAttribute('aria-pressed', String(this._log));
    this._rebuild();
    this._schedule();
  }

  private _rebuild(): void {
    this._plot.dispose();
    this._plot = new Plot(this._plotHost, this.store, readColors(this.node), this._log);
    this._gestures.attach(this._plot.area);
  }

  private _retheme(): void {
    this._stale = true;
    this._schedule();
  }

  // -- painting -----------------------------------------------------------------------------------

  /** Asks for one painting, however many changes come before it. */
  private _schedule(): void {
    if (this._frame === 0 && !this._disposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._paint();
      });
    }
  }

  private _paint(): void {
    const { clientWidth: width, clientHeight: height } = this._plotHost;
    if (width === 0 || height === 0) {
      return; // hidden; the resize when it is shown paints
    }
    if (this._stale) {
      this._stale = false;
      this._rebuild(); // the axes keep the font that they were made with
    }
    this._plot.resize(width, height);
    const scene = this._scenes.scene(Date.now(), this._log);
    this._plot.show(scene);
    this._label.say(this._legend.show(scene.statistics, this.store.count));
    this._tools.live.setAttribute('aria-pressed', String(this._viewport.live));
    this._point();
    clearTimeout(this._later);
    if (scene.staleFor > 0) {
      this._later = window.setTimeout(() => this._schedule(), scene.staleFor);
    }
  }

  private _extent(): IExtent {
    return this._scenes.extent(Date.now() / 1000);
  }

  private _point(): void {
    const place = this._pointer;
    const point = place && nearest(this.store, this._plot, place.left, place.top);
    if (point) {
      this._hover.show(point, this._plot);
    } else {
      this._hover.hide();
    }
  }

  private readonly _words: IChartWords;
  private readonly _legend: Legend;
  private readonly _title = element('div', 'mlk-chart-title');
  private readonly _tools: Record<'live' | 'all' | 'log', HTMLButtonElement>;
  private readonly _plotHost = element('div', 'mlk-chart-plot');
  private readonly _label = new Label(this._plotHost);
  private readonly _empty = element('div', 'mlk-chart-empty');
  private readonly _note = element('div', 'mlk-chart-note');
  private readonly _hover: Hover;
  private readonly _gestures: Gestures;
  private readonly _viewport = new Viewport();
  private readonly _scenes: SceneMaker;
  private readonly _resizes = new ResizeObserver(() => this._schedule());
  private readonly _ends: (() => void)[];
  private _plot: Plot;
  private _pointer: { left: number; top: number } | null = null;
  private _log = false;
  /** Colours and font are known only once the chart is on the page, which is at its first painting. */
  private _stale = true;
  private _disposed = false;
  private _frame = 0;
  private _later = 0;
}
