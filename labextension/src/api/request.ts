/** The one way to the backend: the Jupyter server's own origin, credentials and base URL. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { KrakenError } from './errors';

export interface IRequest {
  readonly method?: 'GET' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Sends a request to a path below `mlkraken/api/v1` and returns the successful answer.
 * Throws KrakenError; an aborted request throws what its signal says.
 */
export type Send = (path: string, request?: IRequest) => Promise<Response>;

const BASE = 'mlkraken/api/v1';

/** Returns the sender that talks to a Jupyter server. */
export function sender(settings: ServerConnection.ISettings): Send {
  return async (path, request = {}) => {
    const { query = {}, body, signal } = request;
    const asked = Object.fromEntries(
      Object.entries(query).map(([name, value]) => [name, String(value)])
    );
    const url = URLExt.join(settings.baseUrl, BASE, path) + URLExt.objectToQueryString(asked);
    const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const init: RequestInit = {
      method: request.method ?? 'GET',
      cache: 'no-store',
      headers: { ...json, ...request.headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal })
    };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, settings);
    } catch (error) {
      signal?.throwIfAborted();
      throw KrakenError.unreachable(error);
    }
    if (!response.ok) {
      throw await KrakenError.of(response);
    }
    return response;
  };
}
