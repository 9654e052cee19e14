/** All models, as pages, events and single answers tell of them. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { KrakenClient } from '../api/client';
import type { IModel } from '../api/documents';
import { KrakenError } from '../api/errors';

/** Many events come at once when a model starts; one look afterwards is enough. */
const COALESCE_MS = 60;
/** When this many models changed, reading all pages is cheaper than one by one. */
const MANY = 25;

export class ModelList implements IDisposable {
  constructor(private readonly _client: Pick<KrakenClient, 'models' | 'model'>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All that are known, in no order. */
  get models(): readonly IModel[] {
    return (this._models ??= [...this._rows.values()].map(row => row.model));
  }

  /** Whether a first page has come. */
  get loaded(): boolean {
    return this._loaded;
  }

  /** Whether all pages have come. */
  get complete(): boolean {
    return this._complete;
  }

  /** Why the last refresh failed. */
  get error(): KrakenError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._ended.signal.aborted;
  }

  get(name: string): IModel | undefined {
    return this._rows.get(name)?.model;
  }

  /** Reads all pages; each shows as it comes. */
  async refresh(): Promise<void> {
    this._refreshing ??= this._pages().finally(() => {
      this._refreshing = null;
    });
    return this._refreshing;
  }

  /** Reads one model again, soon; for whatever number of calls until then once. */
  touch(name: string): void {
    this._touched.add(name);
    this._timer ??= setTimeout(() => {
      this._timer = null;
      void this._readTouched();
    }, COALESCE_MS);
  }

  /** Reads one model again, now. */
  async read(name: string): Promise<void> {
    const started = ++this._clock;
    try {
      const model = await this._client.model(name);
      if (!this.isDisposed && (this._removedAt.get(name) ?? 0) < started) {
        this._put(model);
        this._tell();
      }
    } catch (error) {
      if (error instanceof KrakenError && error.code === 'model_not_found') {
        this.remove(name);
      }
      // Any other failure also ends the stream, which says so; its return reads everything anew.
    }
  }

  remove(name: string): void {
    this._removedAt.set(name, ++this._clock);
    if (this._rows.delete(name)) {
      this._tell();
    }
  }

  dispose(): void {
    this._ended.abort();
    clearTimeout(this._timer ?? undefined);
    Signal.clearData(this);
  }

  private async _pages(): Promise<void> {
    const started = ++this._clock;
    try {
      let cursor = '';
      do {
        const page = await this._client.models(cursor, this._ended.signal);
        for (const model of page.models) {
          if ((this._removedAt.get(model.name) ?? 0) < started) {
            this._put(model);
          }
        }
        cursor = page.next_cursor;
        this._loaded = true;
        this._error = null;
        this._tell();
      } while (cursor);
      this._sweep(started);
    } catch (error) {
      if (!this.isDisposed) {
        this._error = error instanceof KrakenError ? error : KrakenError.unreachable(error);
        this._tell();
      }
      throw error;
    }
  }

  /** Drops the models that no page since `started` had. */
  private _sweep(started: number): void {
    for (const [name, row] of this._rows) {
      if (row.seen < started) {
        this._rows.delete(name);
      }
    }
    this._complete = true;
    this._tell();
  }

  private _put(model: IModel): void {
    const known = this._rows.get(model.name)?.model;
    // Pages and single answers overtake each other; a model made anew begins at revision 1 again.
    const older = known?.created_at === model.created_at && known.revision > model.revision;
    this._rows.set(model.name, { model: older ? known : model, seen: ++this._clock });
  }

  private async _readTouched(): Promise<void> {
    const names = [...this._touched];
    this._touched.clear();
    if (names.length > MANY) {
      // One that is under way may have read their pages already.
      await this._refreshing?.catch(() => undefined);
      await this.refresh().catch(() => undefined);
    } else {
      await Promise.all(names.map(name => this.read(name)));
    }
  }

  private _tell(): void {
    this._models = null;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _rows = new Map<string, { model: IModel; seen: number }>();
  /** When names were removed, so that a page read before does not bring them back. */
  private readonly _removedAt = new Map<string, number>();
  private readonly _touched = new Set<string>();
  private readonly _ended = new AbortController();
  private _models: readonly IModel[] | null = null;
  private _timer: ReturnType<typeof setTimeout> | null = null;
  private _refreshing: Promise<void> | null = null;
  private _error: KrakenError | null = null;
  private _loaded = false;
  private _complete = false;
  /** Counts what happens: tells what was asked for before and after something else. */
  private _clock = 0;
}
