/** The horizontal lines of the percentiles, each with its name. */

import uPlot from 'uplot';

import type { IScene } from './scene';
import type { IColors } from './theme';

export const FONT_PX = 11;

const PERCENTILES = ['p50', 'p95', 'p99'] as const;
type Percentile = (typeof PERCENTILES)[number];

const DASHES: Record<Percentile, number[]> = { p50: [], p95: [6, 3], p99: [2, 3] };

/** Draws the lines of a scene into a plot that is being drawn. */
export function drawPercentiles(u: uPlot, { statistics, y }: IScene, colors: IColors): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  ctx.save();
  let label = { top: Infinity, right: 0 };
  for (const name of PERCENTILES) {
    const value = statistics[name];
    if (value >= y.min && value <= y.max) {
      const top = Math.round(u.valToPos(value, 'y', true)) + 0.5;
      ctx.strokeStyle = colors[name];
      drawLine(u, top, DASHES[name]);
      // Lines that lie close together would write their names over each other.
      const close = label.top - top < FONT_PX * ratio;
      const right = close ? label.right - 28 * ratio : bbox.left + bbox.width - 3 * ratio;
      drawName(ctx, right, top - ratio, name, colors);
      label = { top, right };
    }
  }
  ctx.restore();
}

function drawLine({ ctx, bbox }: uPlot, top: number, dashes: number[]): void {
  ctx.lineWidth = uPlot.pxRatio;
  ctx.setLineDash(dashes.map(length => length * uPlot.pxRatio));
  ctx.beginPath();
  ctx.moveTo(bbox.left, top);
  ctx.lineTo(bbox.left + bbox.width, top);
  ctx.stroke();
}

/** Writes a line's name with a rim, because dots below would make it unreadable. */
function drawName(
  ctx: CanvasRenderingContext2D,
  right: number,
  bottom: number,
  name: string,
  colors: IColors
): void {
  ctx.font = `${FONT_PX * uPlot.pxRatio}px ${colors.font}`;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'bottom';
  ctx.setLineDash([]);
  ctx.lineJoin = 'round';
  ctx.lineWidth = 4 * uPlot.pxRatio;
  ctx.fillStyle = ctx.strokeStyle;
  ctx.strokeStyle = colors.back;
  ctx.strokeText(name, right, bottom);
  ctx.fillText(name, right, bottom);
}
