/** What all views of one browser tab share: the list, the stream, the points. */

import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';

import type { KrakenClient } from '../api/client';
import type { IEvent, ITimes } from '../api/documents';
import { Actions } from './actions';
import { Activity } from './activity';
import { ModelList } from './modellist';
import { PointFeed } from './points';
import { LiveStream } from './stream';

/** The stream tells of changes; this only mends what slipped through, and CPU and memory. */
const POLL_MS = 30_000;
/** A model that answers queries uses CPU and memory, which no event tells of. */
const USE_MS = 5000;

export interface ISessionOptions {
  readonly client: KrakenClient;
  /** Returns how many recorded points a chart begins with. */
  readonly history: () => number;
}

interface IWatched {
  readonly feed: PointFeed;
  holders: number;
  /** When the model was last read because of its queries, in milliseconds. */
  lookedAt: number;
}

export class Session implements IDisposable {
  readonly client: KrakenClient;
  readonly list: ModelList;
  readonly stream: LiveStream;
  readonly actions: Actions;
  readonly activity = new Activity();

  constructor(options: ISessionOptions) {
    this.client = options.client;
    this._history = options.history;
    this.list = new ModelList(options.client);
    this.stream = new LiveStream(options.client, options.history);
    this.actions = new Actions(options.client, this.list);
    this._poll = new Poll({
      name: '@mlkraken/labextension:list',
      auto: false,
      factory: async () => this.list.refresh(),
      frequency: { interval: POLL_MS, backoff: true, max: 4 * POLL_MS },
      standby: () => !this.activity.active
    });
    this.activity.changed.connect(this._follow, this);
    this.stream.happened.connect(this._heard, this);
    this.stream.times.connect(this._counted, this);
    this.stream.resumed.connect(this.refresh, this);
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Reads the list again, and connects at once where that is waited for. */
  refresh(): void {
    if (this.stream.state.connection !== 'live') {
      this.stream.retry();
    }
    void this._poll.refresh();
  }

  /** Collects a model's points until the function that is returned is called. */
  watch(name: string): { feed: PointFeed; release: () => void } {
    const watched = this._watched.get(name) ?? this._unwatched();
    watched.holders++;
    this._watched.set(name, watched);
    this.stream.watch([...this._watched.keys()]);
    let held = true;
    const release = (): void => {
      if (held && --watched.holders === 0) {
        this._watched.delete(name);
        this.stream.watch([...this._watched.keys()]);
      }
      held = false;
    };
    return { feed: watched.feed, release };
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._poll.dispose();
      this.stream.dispose();
      this.list.dispose();
      this.actions.dispose();
      this.activity.dispose();
      Signal.clearData(this);
    }
  }

  private _unwatched(): IWatched {
    return { feed: new PointFeed(this._history()), holders: 0, lookedAt: 0 };
  }

  private _follow(_: Activity, active: boolean): void {
    if (active) {
      this.stream.start();
      void this._poll.start();
    } else {
      this.stream.stop();
      void this._poll.stop();
    }
  }

  private _heard(_: LiveStream, event: IEvent): void {
    if (event.type === 'model.deleted') {
      this.list.remove(event.model);
      this._watched.get(event.model)?.feed.reset();
    } else {
      this.list.touch(event.model);
    }
  }

  private _counted(_: LiveStream, times: ITimes): void {
    const watched = this._watched.get(times.of);
    watched?.feed.take(times.points);
    if (watched && Date.now() - watched.lookedAt >= USE_MS) {
      watched.lookedAt = Date.now();
      this.list.touch(times.of);
    }
  }

  private readonly _history: () => number;
  private readonly _poll: Poll;
  private readonly _watched = new Map<string, IWatched>();
}
