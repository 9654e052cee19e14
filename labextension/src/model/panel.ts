/** What one view of the panel shows: filter, order, and the model somebody selected. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { IModel } from '../api/documents';
import type { Actions, IActionFailure, IShownModel } from './actions';
import { Details } from './details';
import { LogFollower } from './logs';
import { filtered, type IOrder, sorted } from './order';
import type { PointFeed } from './points';
import type { Session } from './session';

export type Tab = 'times' | 'logs' | 'details';

const OPPOSITE_FIRST = ['live', 'versions', 'cpu', 'memory', 'created', 'updated'];

/** The selected model with everything that is only read for it. */
export interface ISelection {
  readonly name: string;
  readonly feed: PointFeed;
  readonly details: Details;
  /** The version whose service, logs and events are shown; null when there is none yet. */
  readonly version: number | null;
  readonly logs: LogFollower | null;
}

export class PanelModel implements IDisposable {
  constructor(readonly session: Session) {
    session.list.changed.connect(this._listed, this);
    session.actions.changed.connect(this._tell, this);
    session.actions.failed.connect(this._failed, this);
    session.stream.stateChanged.connect(this._tell, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get filter(): string {
    return this._filter;
  }

  set filter(text: string) {
    this._filter = text;
    this._shown = null;
    this._tell();
  }

  get order(): IOrder {
    return this._order;
  }

  /** The rows to show. */
  get models(): readonly IModel[] {
    return (this._shown ??= sorted(filtered(this.session.list.models, this._filter), this._order));
  }

  get selection(): ISelection | null {
    return this._selection;
  }

  get tab(): Tab {
    return this._tab;
  }

  set tab(tab: Tab) {
    this._tab = tab;
    this._follow();
    this._tell();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Whether somebody sees this view; logs are only read then. */
  set visible(visible: boolean) {
    this._visible = visible;
    this.session.activity.setViewVisible(this, visible);
    this._follow();
  }

  /** What was refused last. */
  get failure(): IActionFailure | null {
    return this._failure;
  }

  dismissFailure(): void {
    this._failure = null;
    this._tell();
  }

  /** Sorts by a column; a second time the other way round. */
  sortBy(column: IOrder['column']): void {
    const same = column === this._order.column;
    const descending = same ? !this._order.descending : OPPOSITE_FIRST.includes(column);
    this._order = { column, descending };
    this._shown = null;
    this._tell();
  }

  shown(model: IModel): IShownModel {
    return this.session.actions.shown(model);
  }

  select(name: string | null): void {
    if (name === (this._selection?.name ?? null)) {
      return;
    }
    const before = this._release;
    this._drop();
    if (name !== null) {
      const { feed, release } = this.session.watch(name);
      this._release = release;
      const details = new Details(this.session.client, name);
      details.changed.connect(this._tell, this);
      this._selection = { name, feed, details, version: null, logs: null };
      this._chosen = null;
      this._inspect();
    }
    before?.();
    this._tell();
  }

  /** Shows another version's service, logs and events; null goes back to the live one. */
  choose(version: number | null): void {
    this._chosen = version;
    this._inspect();
    this._tell();
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this.session.activity.setViewVisible(this, false);
      const release = this._release;
      this._drop();
      release?.();
      Signal.clearData(this);
    }
  }

  private _drop(): void {
    this._selection?.details.dispose();
    this._selection?.logs?.dispose();
    this._selection = null;
    this._release = null;
  }

  private _listed(): void {
    this._shown = null;
    const { list } = this.session;
    if (this._selection && list.complete && !list.get(this._selection.name)) {
      this.select(null);
    }
    this._inspect();
    this._tell();
  }

  /** Brings the selection up to what the list says of its model. */
  private _inspect(): void {
    const selection = this._selection;
    const model = selection && this.session.list.get(selection.name);
    if (!selection || !model) {
      return;
    }
    const known = [...model.versions, ...model.services, ...selection.details.versions].map(item =>
      typeof item === 'number' ? item : item.version
    );
    if (this._chosen !== null && !known.includes(this._chosen)) {
      this._chosen = null;
    }
    const version = this._chosen ?? model.shown_version;
    if (version !== selection.version || (version !== null && !selection.logs)) {
      selection.logs?.dispose();
      const logs =
        version === null ? null : new LogFollower(this.session.client, model.name, version);
      this._selection = { ...selection, version, logs };
      this._follow();
    }
    void selection.details.refresh(model, version);
  }

  private _follow(): void {
    const logs = this._selection?.logs;
    if (this._visible && this._tab === 'logs') {
      logs?.start();
    } else {
      logs?.stop();
    }
  }

  private _failed(_: Actions, failure: IActionFailure): void {
    this._failure = failure;
    this._tell();
  }

  private _tell(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _shown: readonly IModel[] | null = null;
  private _filter = '';
  private _order: IOrder = { column: 'name', descending: false };
  private _tab: Tab = 'times';
  private _selection: ISelection | null = null;
  private _release: (() => void) | null = null;
  private _chosen: number | null = null;
  private _failure: IActionFailure | null = null;
  private _visible = false;
  private _disposed = false;
}
