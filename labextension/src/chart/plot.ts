/** The picture: axes by uPlot, dots by our raster, percentile lines. */

import uPlot from 'uplot';

import { durationLabels, TIME_STEPS, timeLabels, timeTicks } from './axes';
import { drawPercentiles, FONT_PX } from './percentilelines';
import { DotRaster, mask } from './raster';
import type { IScene } from './scene';
import type { PointStore } from './store';
import { type IColors, pixelOf } from './theme';

const CHARACTER_PX = 6.2;
const EDGE_PX = 8;
/** From this many visible dots on they are drawn smaller, so that a cloud shows its structure. */
const MANY = 5_000;
const VERY_MANY = 50_000;
/** Ticks of a shorter span tell milliseconds. */
const FINE_S = 8;

function radiusFor(count: number): number {
  return count > VERY_MANY ? 1.3 : count > MANY ? 2 : 3;
}

export class Plot {
  constructor(
    host: HTMLElement,
    private readonly _store: PointStore,
    private readonly _colors: IColors,
    private readonly _log: boolean
  ) {
    this._u = new uPlot(this._options(), [[], []], host);
    this._inks = inksOf(_colors);
  }

  /** The part between the axes, where gestures happen. */
  get area(): HTMLElement {
    return this._u.over;
  }

  resize(width: number, height: number): void {
    if (width !== this._u.width || height !== this._u.height) {
      this._u.setSize({ width, height });
    }
  }

  /** Draws a scene: one setData, one redraw. */
  show(scene: IScene): void {
    this._scene = scene;
    this._u.batch(() => {
      this._u.setData([this._store.sentAt, this._store.responseMs], false);
      this._u.setScale('x', scene.x);
      this._u.setScale('y', scene.y);
      // Equal scales would leave the old picture although there are new points.
      this._u.redraw(false, true);
    });
  }

  xOf(left: number): number {
    return this._u.posToVal(left, 'x');
  }

  yOf(top: number): number {
    return this._u.posToVal(top, 'y');
  }

  leftOf(x: number): number {
    return this._u.valToPos(x, 'x');
  }

  topOf(y: number): number {
    return this._u.valToPos(y, 'y');
  }

  dispose(): void {
    this._u.destroy();
    this._dots.width = this._dots.height = 0;
    this._raster = null;
  }

  private _options(): uPlot.Options {
    const font = (): string => `${FONT_PX}px ${this._colors.font}`;
    const axis: uPlot.Axis = {
      stroke: () => this._colors.text,
      grid: { stroke: () => this._colors.grid, width: 1 },
      ticks: { stroke: () => this._colors.grid, width: 1, size: 4 },
      font: font(),
      gap: 4
    };
    return {
      width: 100,
      height: 100,
      padding: [8, EDGE_PX, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, auto: false, range: (_, min, max) => [min, max] },
        // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- it is in types only
        y: { distr: this._log ? 3 : 1, auto: false, range: (_, min, max) => [min, max] }
      },
      axes: [
        {
          ...axis,
          // Milliseconds make labels longer.
          space: (_u, _axis, min, max) => (max - min < FINE_S ? 92 : 64),
          size: 34,
          incrs: TIME_STEPS,
          splits: (_u, _axis, min, max, step) => timeTicks(min, max, step),
          values: (u, ticks, _axis, _space, step) => whole(u, ticks, timeLabels(ticks, step))
        },
        {
          ...axis,
          space: 36,
          size: (_u, labels) =>
            16 +
            CHARACTER_PX *
              Math.max(3, ...((labels as string[] | null) ?? []).map(text => text.length)),
          values: (_u, ticks) => durationLabels(ticks)
        }
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { draw: [u => this._draw(u)] }
    };
  }

  private _draw(u: uPlot): void {
    if (!this._scene || u.bbox.width < 1 || u.bbox.height < 1) {
      return;
    }
    this._drawDots(u, this._scene);
    drawPercentiles(u, this._scene, this._colors);
  }

  private _drawDots(u: uPlot, scene: IScene): void {
    const raster = this._rasterFor(Math.round(u.bbox.width), Math.round(u.bbox.height));
    raster.clear();
    const count = scene.visible[1] - scene.visible[0];
    const radius = radiusFor(count) * uPlot.pxRatio;
    const grain = count > MANY ? uPlot.pxRatio : 1;
    const { dots, crosses } = this._inks;
    const good = this._place(scene, raster, false);
    raster.layer(this._xs, this._ys, good, mask('dot', radius), dots, grain);
    const failed = this._place(scene, raster, true);
    raster.layer(this._xs, this._ys, failed, mask('cross', radius + uPlot.pxRatio), crosses, grain);
    const bytes = new Uint8ClampedArray(raster.pixels.buffer as ArrayBuffer);
    this._dots.getContext('2d')?.putImageData(new ImageData(bytes, raster.width), 0, 0);
    u.ctx.drawImage(this._dots, u.bbox.left, u.bbox.top);
  }

  /** Computes the pixels of the visible points that failed, or of those that did not. */
  private _place(scene: IScene, raster: DotRaster, failed: boolean): number {
    const { sentAt, responseMs, status } = this._store;
    const [first, end] = scene.visible;
    if (this._xs.length < end - first) {
      this._xs = new Int32Array(2 * (end - first));
      this._ys = new Int32Array(2 * (end - first));
    }
    const log = this._log;
    const lowest = log ? Math.log(scene.y.min) : scene.y.min;
    const highest = log ? Math.log(scene.y.max) : scene.y.max;
    const perSecond = raster.width / (scene.x.max - scene.x.min);
    const perUnit = raster.height / (highest - lowest);
    let count = 0;
    for (let index = first; index < end; index++) {
      if (status[index]! >= 400 === failed) {
        const ms = responseMs[index]!;
        const value = log ? Math.log(Math.max(ms, scene.y.min)) : ms;
        this._xs[count] = Math.round((sentAt[index]! - scene.x.min) * perSecond);
        this._ys[count++] = Math.round(raster.height - (value - lowest) * perUnit);
      }
    }
    return count;
  }

  private _rasterFor(width: number, height: number): DotRaster {
    if (this._raster?.width !== width || this._raster.height !== height) {
      this._raster = new DotRaster(width, height);
      this._dots.width = width;
      this._dots.height = height;
    }
    return this._raster;
  }

  private readonly _u: uPlot;
  private readonly _dots = document.createElement('canvas');
  private _raster: DotRaster | null = null;
  private _scene: IScene | null = null;
  private readonly _inks: { dots: number; crosses: number };
  private _xs = new Int32Array(0);
  private _ys = new Int32Array(0);
}

/** Leaves out labels that would be cut off at the right edge. */
function whole(u: uPlot, ticks: readonly number[], labels: readonly string[]): string[] {
  const room = u.bbox.width / uPlot.pxRatio + EDGE_PX;
  return labels.map((label, index) => {
    const half = (CHARACTER_PX * (label.split('\n')[0]?.length ?? 0)) / 2;
    return u.valToPos(ticks[index] ?? 0, 'x') + half > room ? '' : label;
  });
}

function inksOf(colors: IColors): { dots: number; crosses: number } {
  return { dots: pixelOf(colors.dot), crosses: pixelOf(colors.failed) };
}
