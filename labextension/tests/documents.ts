/** Documents as the control plane writes them. */

import type { ILogPage, IModel, IModelPage, IService, IVersion } from '../src/api/documents';

export function aModel(name: string, change: Partial<IModel> = {}): IModel {
  return {
    name,
    owner: 'ada',
    description: '',
    tags: {},
    state: 'running',
    reason: '',
    versions: [1],
    live_version: 1,
    target_version: null,
    shown_version: 1,
    aliases: { live: 1 },
    services: [{ version: 1, state: 'running', reason: '', endpoint: '127.0.0.1:4000' }],
    endpoint: {
      ip: '127.0.0.1',
      port: 4000,
      url: 'http://127.0.0.1:4000',
      state: 'running',
      replica: 'r1'
    },
    cpu: 1,
    cpu_used: 0.25,
    memory: '2GB',
    memory_used: 120 * 2 ** 20,
    replicas: 1,
    ready_replicas: 1,
    restarts: 0,
    parity: 'equal',
    engine: 'python',
    deleting: false,
    created_at: '2026-11-22T10:00:00.000Z',
    updated_at: '2026-11-22T10:00:00.000Z',
    revision: 1,
    ...change
  };
}

export function aPage(names: readonly string[], cursor = ''): IModelPage {
  return { models: names.map(name => aModel(name)), next_cursor: cursor };
}

export function aService(change: Partial<IService> = {}): IService {
  return {
    model: 'churn',
    version: 1,
    desired: 'running',
    state: 'running',
    reason: '',
    failure: null,
    cpu: 1,
    memory: '2GB',
    memory_bytes: 2 ** 31,
    replicas: 1,
    workers: 1,
    endpoints: [],
    restarts: 0,
    parity: { verdict: 'equal', rows: 3, detail: '' },
    engine: 'python',
    deadline: 30,
    start_timeout: 120,
    updated_at: '2026-11-22T10:00:00.000Z',
    revision: 1,
    ...change
  };
}

export function aVersion(version: number, change: Partial<IVersion> = {}): IVersion {
  return {
    model: 'churn',
    version,
    status: 'ready',
    digest: `sha256:${version}`,
    size: 1000,
    runtime: 'python',
    flavor: 'sklearn',
    aliases: [],
    failure: null,
    created_by: 'ada',
    created_at: '2026-11-22T10:00:00.000Z',
    ...change
  };
}

export function lines(texts: readonly string[], cursor: string, replica = 'r1'): ILogPage {
  return { lines: texts.map(text => ({ replica, text })), cursor };
}
