/** Which models a list shows, in which order. */

import type { IModel } from '../api/documents';

export type Column =
  | 'name'
  | 'state'
  | 'live'
  | 'versions'
  | 'address'
  | 'cpu'
  | 'memory'
  | 'owner'
  | 'created'
  | 'updated';

export interface IOrder {
  readonly column: Column;
  readonly descending: boolean;
}

/** What needs a look comes first. */
const STATES = ['failed', 'pending', 'stopping', 'running', 'stopped'];

type Key = (model: IModel) => string | number;

const KEYS: Record<Column, Key> = {
  name: model => model.name,
  state: model => STATES.indexOf(model.state),
  live: model => model.live_version ?? 0,
  versions: model => model.versions.length,
  address: model => (model.endpoint ? `${model.endpoint.ip}:${model.endpoint.port}` : ''),
  cpu: model => model.cpu_used,
  memory: model => model.memory_used,
  owner: model => model.owner,
  created: model => Date.parse(model.created_at),
  updated: model => Date.parse(model.updated_at)
};

const names = new Intl.Collator('en', { numeric: true });

function compared(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : names.compare(String(a), String(b));
}

/** Returns the models in order; equal ones by name. */
export function sorted(models: readonly IModel[], { column, descending }: IOrder): IModel[] {
  const key = KEYS[column];
  const sign = descending ? -1 : 1;
  return [...models].sort(
    (a, b) => sign * compared(key(a), key(b)) || names.compare(a.name, b.name)
  );
}

/** Returns the models that have every word somewhere. */
export function filtered(models: readonly IModel[], text: string): readonly IModel[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return models;
  }
  return models.filter(model => {
    const told = searchable(model);
    return words.every(word => told.includes(word));
  });
}

function searchable(model: IModel): string {
  const { name, owner, description, state, endpoint, tags } = model;
  const pairs = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
  const address = endpoint ? `${endpoint.ip}:${endpoint.port}` : '';
  return [name, owner, description, state, address, ...pairs].join('\n').toLowerCase();
}
