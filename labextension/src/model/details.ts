/** Everything about one model: its versions, the service of one of them, and what happened. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { KrakenClient } from '../api/client';
import type { IEvent, IModel, IService, IVersion } from '../api/documents';
import { KrakenError } from '../api/errors';

export class Details implements IDisposable {
  constructor(
    private readonly _client: Pick<KrakenClient, 'versions' | 'service' | 'events'>,
    readonly name: string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get versions(): readonly IVersion[] {
    return this._versions;
  }

  get service(): IService | null {
    return this._service;
  }

  /** What happened to the version, newest first. */
  get events(): readonly IEvent[] {
    return this._events;
  }

  get error(): KrakenError | null {
    return this._error;
  }

  get loaded(): boolean {
    return this._loaded;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /**
   * Reads everything anew, unless it is known for this revision of the model.
   *
   * @param version - Whose service and events; null when there is none.
   */
  async refresh(model: IModel, version: number | null): Promise<void> {
    const known = `${model.created_at} ${model.revision} ${version}`;
    if (known === this._known && !this._error) {
      return;
    }
    this._known = known;
    try {
      const [{ versions }, service, events] = await Promise.all([
        this._client.versions(this.name),
        version === null ? null : this._client.service(this.name, version),
        version === null ? null : this._client.events(this.name, version)
      ]);
      if (this._known === known && !this._disposed) {
        this._versions = [...versions].sort((a, b) => b.version - a.version);
        this._service = service;
        this._events = [...(events?.events ?? [])].reverse();
        this._finish(null);
      }
    } catch (error) {
      if (this._known === known && !this._disposed) {
        this._finish(error instanceof KrakenError ? error : KrakenError.unreachable(error));
      }
    }
  }

  dispose(): void {
    this._disposed = true;
    Signal.clearData(this);
  }

  private _finish(error: KrakenError | null): void {
    this._error = error;
    this._loaded = true;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _versions: readonly IVersion[] = [];
  private _service: IService | null = null;
  private _events: readonly IEvent[] = [];
  private _error: KrakenError | null = null;
  private _known = '';
  private _loaded = false;
  private _disposed = false;
}
