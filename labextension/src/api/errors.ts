/** Every failure of a request, in one class. */

interface IDetail {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly hint?: unknown;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A request that failed, with the code, message and hint for the person in front of it. */
export class KrakenError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint = '',
    readonly status = 0
  ) {
    super(message);
    this.name = 'KrakenError';
  }

  /** Whether the backend, or the way to it, is gone for the moment, so that trying again helps. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Returns the error of an answer that is not a success. */
  static async of(response: Response): Promise<KrakenError> {
    const { status } = response;
    const body: unknown = await response.json().catch(() => null);
    const { error, message } = (body ?? {}) as { error?: IDetail; message?: unknown };
    if (error && text(error.code)) {
      return new KrakenError(text(error.code), text(error.message), text(error.hint), status);
    }
    return new KrakenError(
      status === 404 ? 'extension_missing' : `http_${status}`,
      text(message) || `The server answered ${status} ${response.statusText}`.trim(),
      HINTS[status] ?? '',
      status
    );
  }

  /** Returns the error of a request that got no answer. */
  static unreachable(cause: unknown): KrakenError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new KrakenError('server_unreachable', `The Jupyter server does not answer: ${why}`);
  }
}

/** For answers that are the Jupyter server's own, not the backend's. */
const HINTS: Readonly<Record<number, string | undefined>> = {
  401: 'Log in to the Jupyter server again.',
  403: 'Log in to the Jupyter server again, or ask its owner for access.',
  404: 'Install the Python package mlkraken where the Jupyter server runs, and restart the server.'
};
