/** Pointer, wheel and keys on the plot, told as what they mean. */

import { element } from './dom';

export interface IGestureTarget {
  /** Move by shares of the plot's width and height. */
  pan(along: number, up: number): void;
  /** Zoom around a place, 0 (left) to 1 (right); false when there is nothing more to see. */
  zoom(around: number, factor: number): boolean;
  /** Show what lies in a box, in pixels of the plot. */
  box(left: number, top: number, right: number, bottom: number): void;
  live(): void;
  /** The pointer is at a place of the plot, or nowhere. */
  hover(place: { left: number; top: number } | null): void;
}

interface IDrag {
  readonly pointer: number;
  readonly boxing: boolean;
  readonly startX: number;
  readonly startY: number;
  lastX: number;
  lastY: number;
  moved: boolean;
}

const SLOP_PX = 4;
const KEY_SHARE = 0.2;
const KEY_ZOOM = 0.7;

export class Gestures {
  /**
   * @param plot - Element that takes the keys; it survives rebuilding of the area.
   * @param target - Who acts on them.
   */
  constructor(plot: HTMLElement, target: IGestureTarget) {
    this._target = target;
    plot.addEventListener('keydown', event => this._key(event), { signal: this._ended.signal });
  }

  /** Listens on a new area between the axes. */
  attach(area: HTMLElement): void {
    this._areaEnded.abort();
    this._areaEnded = new AbortController();
    const { signal } = this._areaEnded;
    this._area = area;
    this._drag = null;
    area.append(this._box);
    area.addEventListener('pointerdown', event => this._down(event), { signal });
    area.addEventListener('pointermove', event => this._move(event), { signal });
    area.addEventListener('pointerup', event => this._up(event), { signal });
    area.addEventListener('pointercancel', () => this._cancel(), { signal });
    area.addEventListener('pointerleave', () => this._leave(), { signal });
    area.addEventListener('dblclick', () => this._target.live(), { signal });
    area.addEventListener('wheel', event => this._wheel(event), { signal, passive: false });
  }

  dispose(): void {
    this._areaEnded.abort();
    this._ended.abort();
    this._box.remove();
  }

  private _down(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) {
      return;
    }
    this._area?.setPointerCapture(event.pointerId);
    this._drag = {
      pointer: event.pointerId,
      boxing: event.shiftKey,
      startX: event.offsetX,
      startY: event.offsetY,
      lastX: event.offsetX,
      lastY: event.offsetY,
      moved: false
    };
  }

  private _move(event: PointerEvent): void {
    // A page that scrolls under a resting pointer also sends moves, by nothing.
    this._arrived ||= event.movementX !== 0 || event.movementY !== 0;
    const { offsetX: x, offsetY: y } = event;
    const drag = this._drag;
    if (drag?.pointer !== event.pointerId) {
      this._target.hover({ left: x, top: y });
      return;
    }
    drag.moved ||= Math.hypot(x - drag.startX, y - drag.startY) >= SLOP_PX;
    if (!drag.moved) {
      return;
    }
    this._target.hover(null);
    if (drag.boxing) {
      this._showBox(drag, x, y);
    } else if (this._area) {
      const { clientWidth, clientHeight } = this._area;
      this._target.pan((drag.lastX - x) / clientWidth, (y - drag.lastY) / clientHeight);
    }
    drag.lastX = x;
    drag.lastY = y;
  }

  private _up(event: PointerEvent): void {
    const drag = this._drag;
    this._cancel();
    if (drag?.moved && drag.boxing) {
      const [left, right] = sorted(drag.startX, event.offsetX);
      const [top, bottom] = sorted(drag.startY, event.offsetY);
      if (right - left >= SLOP_PX) {
        this._target.box(left, top, right, bottom);
      }
    }
  }

  private _cancel(): void {
    this._drag = null;
    this._box.style.display = 'none';
  }

  private _leave(): void {
    this._arrived = false;
    this._target.hover(null);
  }

  /** Zooms, unless the page is being scrolled and the chart has just come under the pointer. */
  private _wheel(event: WheelEvent): void {
    if (!this._area || !(this._arrived || event.ctrlKey || event.metaKey)) {
      return;
    }
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const delta = Math.max(-240, Math.min(240, event.deltaY * lines));
    const around = event.offsetX / this._area.clientWidth;
    if (this._target.zoom(around, Math.exp(delta * 0.0025))) {
      event.preventDefault();
    }
  }

  private _key(event: KeyboardEvent): void {
    const act = KEYS[event.key];
    if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
      act(this._target);
      event.preventDefault();
      // Notebooks and panels give these keys meanings of their own.
      event.stopPropagation();
    }
  }

  private _showBox(drag: IDrag, x: number, y: number): void {
    const { style } = this._box;
    style.display = 'block';
    style.left = `${Math.min(drag.startX, x)}px`;
    style.top = `${Math.min(drag.startY, y)}px`;
    style.width = `${Math.abs(x - drag.startX)}px`;
    style.height = `${Math.abs(y - drag.startY)}px`;
  }

  private readonly _target: IGestureTarget;
  private readonly _ended = new AbortController();
  private _areaEnded = new AbortController();
  private readonly _box = element('div', 'mlk-chart-box');
  private _area: HTMLElement | null = null;
  private _drag: IDrag | null = null;
  private _arrived = false;
}

const KEYS: Readonly<Record<string, ((target: IGestureTarget) => void) | undefined>> = {
  ArrowLeft: target => target.pan(-KEY_SHARE, 0),
  ArrowRight: target => target.pan(KEY_SHARE, 0),
  '+': target => target.zoom(0.5, KEY_ZOOM),
  '=': target => target.zoom(0.5, KEY_ZOOM),
  '-': target => target.zoom(0.5, 1 / KEY_ZOOM),
  Home: target => target.live()
};

function sorted(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}
