/** The documents of the control plane, as `backend/mlkraken_backend/wire` writes them. */

export type State = 'stopped' | 'pending' | 'running' | 'stopping' | 'failed';

export interface IEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly url: string;
  readonly state: string;
  readonly replica: string;
}

export interface IServiceBrief {
  readonly version: number;
  readonly state: State;
  readonly reason: string;
  readonly endpoint: string;
}

export interface IModel {
  readonly name: string;
  readonly owner: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly state: State;
  readonly reason: string;
  readonly versions: readonly number[];
  readonly live_version: number | null;
  readonly target_version: number | null;
  readonly shown_version: number | null;
  readonly aliases: Readonly<Record<string, number | null>>;
  readonly services: readonly IServiceBrief[];
  readonly endpoint: IEndpoint | null;
  readonly cpu: number;
  readonly cpu_used: number;
  readonly memory: string;
  readonly memory_used: number;
  readonly replicas: number;
  readonly ready_replicas: number;
  readonly restarts: number;
  readonly parity: string;
  readonly engine: string;
  readonly deleting: boolean;
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision: number;
}

export interface IModelPage {
  readonly models: readonly IModel[];
  readonly next_cursor: string;
}

export interface IFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly logs: readonly string[];
}

export interface IVersion {
  readonly model: string;
  readonly version: number;
  readonly status: 'candidate' | 'ready' | 'refused';
  readonly digest: string;
  readonly size: number;
  readonly runtime: string;
  readonly flavor: string;
  readonly aliases: readonly string[];
  readonly failure: IFailure | null;
  readonly created_by: string;
  readonly created_at: string;
}

export interface IVersions {
  readonly versions: readonly IVersion[];
}

export interface IParity {
  readonly verdict: string;
  readonly rows: number;
  readonly detail: string;
}

export interface IService {
  readonly model: string;
  readonly version: number;
  readonly desired: 'running' | 'stopped';
  readonly state: State;
  readonly reason: string;
  readonly failure: IFailure | null;
  readonly cpu: number;
  readonly memory: string;
  readonly memory_bytes: number;
  readonly replicas: number;
  readonly workers: number;
  readonly endpoints: readonly IEndpoint[];
  readonly restarts: number;
  readonly parity: IParity;
  readonly engine: string;
  readonly deadline: number;
  readonly start_timeout: number;
  readonly updated_at: string;
  readonly revision: number;
}

/** How a service shall be; what is left out stays as it is. */
export interface IServiceWish {
  readonly desired?: 'running' | 'stopped';
  readonly restart?: boolean;
}

export interface ILogLine {
  readonly replica: string;
  readonly text: string;
}

export interface ILogPage {
  readonly lines: readonly ILogLine[];
  readonly cursor: string;
}

export interface IEvent {
  readonly id: number;
  readonly type: string;
  readonly model: string;
  readonly version: number | null;
  readonly message: string;
  readonly at: string;
}

export interface IEvents {
  readonly events: readonly IEvent[];
}

/** One answered query; seconds since 1970 and milliseconds. */
export type QueryPoint = readonly [
  sentAt: number,
  responseMs: number,
  modelMs: number,
  rows: number,
  version: number,
  status: number,
  requestId: string
];

export interface ITimes {
  /** The model, or model@version, as it was asked for. */
  readonly of: string;
  readonly points: readonly QueryPoint[];
}
