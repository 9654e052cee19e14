/**
 * Draws dots into pixels of our own.
 *
 * A canvas path of 100,000 circles takes hundreds of milliseconds. Stamping a small mask costs
 * about as much as reading the points, and a pixel that has its dot already is left out, so that
 * only what could not be told apart anyway is dropped: every extreme keeps its dot. No DOM in here.
 */

/** 0xAABBGGRR, as little-endian machines store a pixel. */
export type Pixel = number;

export type Shape = 'dot' | 'cross';

interface IMask {
  readonly size: number;
  /** Opacity of each of its size x size pixels, 0 to 255. */
  readonly alpha: Uint8Array;
}

const OVERSAMPLING = 4;

/** Returns the mask of a mark whose edges are smoothed. */
export function mask(shape: Shape, radius: number): IMask {
  const half = Math.ceil(radius);
  const size = 2 * half + 1;
  const alpha = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      alpha[y * size + x] = Math.round(255 * covered(shape, radius, x - half, y - half));
    }
  }
  return { size, alpha };
}

function covered(shape: Shape, radius: number, x: number, y: number): number {
  let hits = 0;
  for (let row = 0; row < OVERSAMPLING; row++) {
    for (let column = 0; column < OVERSAMPLING; column++) {
      const dx = x + (column + 0.5) / OVERSAMPLING - 0.5;
      const dy = y + (row + 0.5) / OVERSAMPLING - 0.5;
      hits += inside(shape, radius, dx, dy) ? 1 : 0;
    }
  }
  return hits / OVERSAMPLING ** 2;
}

function inside(shape: Shape, radius: number, dx: number, dy: number): boolean {
  if (shape === 'dot') {
    return dx * dx + dy * dy <= radius * radius;
  }
  const reach = Math.max(Math.abs(dx), Math.abs(dy)) <= radius;
  return reach && Math.abs(Math.abs(dx) - Math.abs(dy)) <= Math.max(0.8, radius * 0.35);
}

export class DotRaster {
  readonly pixels: Uint32Array;
  /** Dots drawn since the last `clear`. */
  drawn = 0;

  constructor(
    readonly width: number,
    readonly height: number
  ) {
    this.pixels = new Uint32Array(width * height);
    this._taken = new Uint8Array(width * height);
  }

  clear(): void {
    this.pixels.fill(0);
    this._taken.fill(0);
    this.drawn = 0;
  }

  /** Forgets which pixels have their mark, so that another kind of mark is drawn above them. */
  nextLayer(): void {
    this._taken.fill(0);
  }

  stamp(x: number, y: number, mark: IMask, color: Pixel): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) {
      return;
    }
    const center = y * this.width + x;
    if (this._taken[center]) {
      return;
    }
    this._taken[center] = 1;
    this.drawn++;
    this._blend(x - (mark.size >> 1), y - (mark.size >> 1), mark, color);
  }

  private _blend(left: number, top: number, mark: IMask, color: Pixel): void {
    const { pixels, width } = this;
    const firstX = Math.max(0, -left);
    const endX = Math.min(mark.size, width - left);
    const endY = Math.min(mark.size, this.height - top);
    const opaque = color & 0xffffff;
    for (let y = Math.max(0, -top); y < endY; y++) {
      let from = y * mark.size + firstX;
      let to = (top + y) * width + left + firstX;
      for (let x = firstX; x < endX; x++, from++, to++) {
        const alpha = mark.alpha[from]!;
        // The stronger one wins: smooth edges need no exact mixing at this size.
        if (alpha > 0 && alpha >= pixels[to]! >>> 24) {
          pixels[to] = ((alpha << 24) | opaque) >>> 0;
        }
      }
    }
  }

  private readonly _taken: Uint8Array;
}
