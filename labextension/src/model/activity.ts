/** Whether anybody looks: connections end half a minute after the last one does not. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

export const GRACE_MS = 30_000;

export class Activity implements IDisposable {
  /** The value has changed. */
  get changed(): ISignal<this, boolean> {
    return this._changed;
  }

  get active(): boolean {
    return this._active;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  setPageVisible(visible: boolean): void {
    this._pageVisible = visible;
    this._update();
  }

  /** @param view - Whoever shows something. */
  setViewVisible(view: object, visible: boolean): void {
    if (visible) {
      this._views.add(view);
    } else {
      this._views.delete(view);
    }
    this._update();
  }

  dispose(): void {
    this._disposed = true;
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private _update(): void {
    clearTimeout(this._timer);
    const visible = this._pageVisible && this._views.size > 0;
    if (visible || !this._active) {
      this._set(visible);
    } else {
      this._timer = setTimeout(() => {
        this._set(false);
      }, GRACE_MS);
    }
  }

  private _set(active: boolean): void {
    if (active !== this._active) {
      this._active = active;
      this._changed.emit(active);
    }
  }

  private readonly _changed = new Signal<this, boolean>(this);
  private readonly _views = new Set<object>();
  private _pageVisible = true;
  private _active = false;
  private _timer: ReturnType<typeof setTimeout> | undefined = undefined;
  private _disposed = false;
}
