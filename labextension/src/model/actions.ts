/** Start, stop, restart, delete: asked of the backend, and shown at once. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { KrakenClient } from '../api/client';
import type { IModel, State } from '../api/documents';
import { KrakenError } from '../api/errors';
import type { ModelList } from './modellist';

export type Action = 'start' | 'stop' | 'restart' | 'delete';

/** A model as it is shown: what was just asked for comes before what was last heard. */
export interface IShownModel {
  readonly model: IModel;
  readonly state: State;
  /** What is under way because somebody here asked for it. */
  readonly asked: Action | null;
  readonly actions: readonly Action[];
}

export interface IActionFailure {
  readonly action: Action;
  readonly name: string;
  readonly error: KrakenError;
}

interface IAsked {
  readonly action: Action;
  readonly before: IModel;
  /** When the backend agreed, in milliseconds; null while it has not answered. */
  agreedAt: number | null;
}

const STATE: Record<Action, State> = {
  start: 'pending',
  stop: 'stopping',
  restart: 'pending',
  delete: 'stopping'
};

/** A model that changed between two looks may look the same in both; then this long is enough. */
const SETTLED_MS = 1500;

/** Returns what makes sense to ask of a model in its state. */
export function actionsOf(model: IModel): readonly Action[] {
  if (model.deleting) {
    return [];
  }
  if (model.shown_version === null) {
    return ['delete'];
  }
  switch (model.state) {
    case 'running':
      return ['stop', 'restart', 'delete'];
    case 'pending':
      return ['stop', 'delete'];
    case 'stopping':
      return ['delete'];
    case 'stopped':
    case 'failed':
      return ['start', 'delete'];
  }
}

function shownAs(model: IModel, asked: Action | null): IShownModel {
  if (!asked) {
    return { model, state: model.state, asked, actions: actionsOf(model) };
  }
  return { model, state: STATE[asked], asked, actions: asked === 'delete' ? [] : ['delete'] };
}

export class Actions implements IDisposable {
  constructor(
    private readonly _client: Pick<KrakenClient, 'changeService' | 'deleteModel'>,
    private readonly _list: ModelList
  ) {
    _list.changed.connect(this._settle, this);
  }

  /** What is under way has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get failed(): ISignal<this, IActionFailure> {
    return this._failed;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Returns the same object as before while nothing has changed. */
  shown(model: IModel): IShownModel {
    const asked = this._asked.get(model.name)?.action ?? null;
    const known = this._shown.get(model);
    if (known?.asked === asked) {
      return known;
    }
    const shown = shownAs(model, asked);
    this._shown.set(model, shown);
    return shown;
  }

  /** Asks for something; resolves when the backend has agreed or refused. */
  async run(action: Action, model: IModel): Promise<void> {
    const asked: IAsked = { action, before: model, agreedAt: null };
    this._asked.set(model.name, asked);
    this._changed.emit();
    try {
      await this._request(action, model);
      asked.agreedAt = Date.now();
      this._list.touch(model.name);
      setTimeout(() => {
        this._settle();
      }, SETTLED_MS + 100);
    } catch (error) {
      this._forget(model.name, asked);
      const reason = error instanceof KrakenError ? error : KrakenError.unreachable(error);
      this._failed.emit({ action, name: model.name, error: reason });
    }
  }

  dispose(): void {
    this._disposed = true;
    Signal.clearData(this);
  }

  private async _request(action: Action, model: IModel): Promise<void> {
    if (action === 'delete') {
      await this._client.deleteModel(model.name);
    } else if (model.shown_version !== null) {
      const wish = action === 'stop' ? { desired: 'stopped' as const } : WISHES[action];
      await this._client.changeService(model.name, model.shown_version, wish);
    }
  }

  /** Forgets what has come true. */
  private _settle(): void {
    for (const [name, asked] of this._asked) {
      if (asked.agreedAt === null) {
        continue;
      }
      const now = this._list.get(name);
      const late = Date.now() - asked.agreedAt >= SETTLED_MS;
      if (!now || now.deleting || now.state !== asked.before.state || late) {
        this._forget(name, asked);
      }
    }
  }

  private _forget(name: string, asked: IAsked): void {
    if (this._asked.get(name) === asked) {
      this._asked.delete(name);
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _failed = new Signal<this, IActionFailure>(this);
  private readonly _asked = new Map<string, IAsked>();
  private readonly _shown = new WeakMap<IModel, IShownModel>();
  private _disposed = false;
}

const WISHES = {
  start: { desired: 'running' },
  restart: { desired: 'running', restart: true }
} as const;
