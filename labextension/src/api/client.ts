/** What the panel asks the backend, one function a route. */

import type {
  IEvents,
  ILogPage,
  IModel,
  IModelPage,
  IService,
  IServiceWish,
  IVersions
} from './documents';
import { KrakenError } from './errors';
import type { IRequest, Send } from './request';
import { type IMessage, messages } from './sse';

export const PAGE_SIZE = 200;
const EVENTS = 100;

export interface IStreamRequest {
  /** Models whose response times are wanted. */
  readonly times: readonly string[];
  /** How many recorded points to send of a model that `lastId` does not know. */
  readonly history: number;
  /** Where to go on; "" for a new stream. */
  readonly lastId: string;
  readonly signal: AbortSignal;
  /** Called whenever bytes come. */
  readonly alive: () => void;
}

export interface IStream {
  readonly messages: AsyncGenerator<IMessage, void, undefined>;
}

export class KrakenClient {
  constructor(private readonly _send: Send) {}

  async models(cursor = '', signal?: AbortSignal): Promise<IModelPage> {
    const query = { limit: PAGE_SIZE, ...(cursor && { cursor }) };
    return this._json('models', { query, ...(signal && { signal }) });
  }

  async model(name: string): Promise<IModel> {
    return this._json(modelPath(name));
  }

  async deleteModel(name: string): Promise<void> {
    await this._send(modelPath(name), { method: 'DELETE' });
  }

  async versions(name: string, signal?: AbortSignal): Promise<IVersions> {
    return this._json(`${modelPath(name)}/versions`, signal && { signal });
  }

  async service(name: string, version: number, signal?: AbortSignal): Promise<IService> {
    return this._json(servicePath(name, version), signal && { signal });
  }

  async changeService(name: string, version: number, wish: IServiceWish): Promise<IService> {
    return this._json(servicePath(name, version), { method: 'PUT', body: wish });
  }

  async events(name: string, version: number, signal?: AbortSignal): Promise<IEvents> {
    const query = { limit: EVENTS };
    return this._json(`${servicePath(name, version)}/events`, {
      query,
      ...(signal && { signal })
    });
  }

  async logs(
    name: string,
    version: number,
    cursor: string,
    limit: number,
    signal: AbortSignal
  ): Promise<ILogPage> {
    const query = { cursor, limit };
    return this._json(`${servicePath(name, version)}/logs`, { query, signal });
  }

  /** Opens the stream of events; resolves when the backend has accepted it. */
  async open(request: IStreamRequest): Promise<IStream> {
    const { times, history, lastId, signal, alive } = request;
    const response = await this._send('events', {
      query: times.length ? { times: times.join(','), history } : {},
      headers: { Accept: 'text/event-stream', ...(lastId && { 'Last-Event-ID': lastId }) },
      signal
    });
    if (!response.body) {
      throw new KrakenError('stream_unsupported', 'The browser gives no access to the stream.');
    }
    return { messages: messages(response.body, alive) };
  }

  private async _json<T>(path: string, request?: IRequest): Promise<T> {
    const response = await this._send(path, request);
    try {
      return (await response.json()) as T;
    } catch (error) {
      request?.signal?.throwIfAborted();
      throw KrakenError.unreachable(error);
    }
  }
}

function modelPath(name: string): string {
  return `models/${encodeURIComponent(name)}`;
}

function servicePath(name: string, version: number): string {
  return `${modelPath(name)}/versions/${version}/service`;
}
