/** The one live connection of a browser tab: opens, resumes, and comes back by itself. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { KrakenClient } from '../api/client';
import type { IEvent, ITimes } from '../api/documents';
import { KrakenError } from '../api/errors';
import type { IMessage } from '../api/sse';
import { Backoff } from './backoff';

export type Connection = 'connecting' | 'live' | 'offline';

export interface IStreamState {
  readonly connection: Connection;
  /** Why the last attempt failed. */
  readonly error: KrakenError | null;
  /** When the next attempt begins, in milliseconds since 1970. */
  readonly retryAt: number | null;
}

/** The backend sends at least a comment every 15 s; a stream silent for longer is dead. */
const SILENCE_MS = 45_000;

export class LiveStream implements IDisposable {
  constructor(
    private readonly _client: Pick<KrakenClient, 'open'>,
    private readonly _history: () => number,
    random?: () => number
  ) {
    this._backoff = new Backoff(random);
  }

  get state(): IStreamState {
    return this._state;
  }

  get stateChanged(): ISignal<this, IStreamState> {
    return this._stateChanged;
  }

  /** Something happened to a model. */
  get happened(): ISignal<this, IEvent> {
    return this._happened;
  }

  get times(): ISignal<this, ITimes> {
    return this._times;
  }

  /** A connection came back after a break, in which things may have been missed. */
  get resumed(): ISignal<this, void> {
    return this._resumed;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  get running(): boolean {
    return this._running !== null;
  }

  start(): void {
    if (!this._running && !this._disposed) {
      const ended = new AbortController();
      this._running = ended;
      void this._run(ended.signal);
    }
  }

  /** Closes the connection; what it had seen is remembered for the next `start`. */
  stop(): void {
    this._running?.abort();
    this._running = null;
    this._tell({ connection: 'connecting', error: null, retryAt: null });
  }

  /** Tries again at once. */
  retry(): void {
    if (this._running) {
      this._running.abort();
      this._running = null;
      this._backoff.reset();
      this.start();
    }
  }

  /** Says whose response times to carry. */
  watch(names: readonly string[]): void {
    const removed = this._watched.some(name => !names.includes(name));
    const added = names.some(name => !this._watched.includes(name));
    this._watched = [...names];
    if (removed) {
      // The id knows how far the removed one was read; should it be watched again, its points
      // are wanted from the start. The bare number of the last event resumes all the rest.
      this._lastId = this._after === null ? '' : String(this._after);
    }
    if ((removed || added) && !this._reopening) {
      this._reopening = true;
      // Selecting another model removes one and adds one: that is one new connection.
      queueMicrotask(() => {
        this._reopening = false;
        this.retry();
      });
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this.stop();
      Signal.clearData(this);
    }
  }

  private async _run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this._rest(await this._connect(signal), signal);
    }
  }

  /** Waits before the next attempt, unless there shall be none. */
  private async _rest(error: KrakenError, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      const pause = this._backoff.next();
      // A stream that had been alive is expected back at once; one that did not open is offline.
      const connection = this._greeted ? 'connecting' : 'offline';
      this._tell({ connection, error, retryAt: Date.now() + pause });
      await elapsed(pause, signal);
    }
  }

  /** Holds one connection as long as it lasts; returns why it ended. */
  private async _connect(signal: AbortSignal): Promise<KrakenError> {
    this._greeted = false;
    const attempt = new AbortController();
    const abort = (): void => {
      attempt.abort();
    };
    signal.addEventListener('abort', abort);
    let silence = setTimeout(abort, SILENCE_MS);
    try {
      const stream = await this._client.open({
        times: this._watched,
        history: this._history(),
        lastId: this._lastId,
        signal: attempt.signal,
        alive: () => {
          clearTimeout(silence);
          silence = setTimeout(abort, SILENCE_MS);
        }
      });
      for await (const message of stream.messages) {
        if (signal.aborted) {
          break;
        }
        this._take(message);
      }
      return new KrakenError('stream_ended', 'The connection to the backend ended.');
    } catch (error) {
      return error instanceof KrakenError ? error : KrakenError.unreachable(error);
    } finally {
      clearTimeout(silence);
      signal.removeEventListener('abort', abort);
      attempt.abort();
    }
  }

  private _take(message: IMessage): void {
    const document: unknown = JSON.parse(message.data);
    if (message.event === 'hello') {
      this._hello(document as { after: number });
    } else if (message.event === 'change') {
      const event = document as IEvent;
      this._after = event.id;
      this._happened.emit(event);
    } else if (message.event === 'times') {
      this._times.emit(document as ITimes);
    }
    // Only now is it taken: an error above asks for it again.
    this._lastId = message.id || this._lastId;
  }

  private _hello({ after }: { after: number }): void {
    const broken = this._state.error !== null;
    this._after = after;
    this._greeted = true;
    this._backoff.reset();
    this._tell({ connection: 'live', error: null, retryAt: null });
    if (broken) {
      this._resumed.emit();
    }
  }

  private _tell(state: IStreamState): void {
    const before = this._state;
    this._state = state;
    if (
      before.connection !== state.connection ||
      before.error !== state.error ||
      before.retryAt !== state.retryAt
    ) {
      this._stateChanged.emit(state);
    }
  }

  private readonly _backoff: Backoff;
  private readonly _stateChanged = new Signal<this, IStreamState>(this);
  private readonly _happened = new Signal<this, IEvent>(this);
  private readonly _times = new Signal<this, ITimes>(this);
  private readonly _resumed = new Signal<this, void>(this);
  private _state: IStreamState = { connection: 'connecting', error: null, retryAt: null };
  private _watched: string[] = [];
  private _lastId = '';
  private _after: number | null = null;
  private _greeted = false;
  private _reopening = false;
  private _running: AbortController | null = null;
  private _disposed = false;
}

/** Resolves after a time, or when `signal` aborts. */
async function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
