/** What stands where no models are, and what went wrong. */

import React from 'react';

import type { KrakenError } from '../api/errors';
import type { IActionFailure } from '../model/actions';
import { usePanel } from './context';
import { CopyButton } from './controls';

const EXAMPLE = 'service = Kraken().deploy(model, "churn", example=X.head())';

/** Says why there are no rows. */
export function Notice(): React.JSX.Element | null {
  const { model: panel, trans } = usePanel();
  const { list, stream } = panel.session;
  if (panel.models.length > 0) {
    return null;
  }
  if (list.models.length > 0) {
    return <div className="mlk-notice mlk-quiet">{trans.__('No model matches the filter.')}</div>;
  }
  if (list.loaded) {
    return <Empty />;
  }
  if (list.error && stream.state.connection !== 'offline') {
    return <Problem error={list.error} />;
  }
  if (stream.state.connection === 'offline') {
    return null;
  }
  return (
    <div className="mlk-notice mlk-quiet" role="status">
      {trans.__('Loading…')}
    </div>
  );
}

function Empty(): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <div className="mlk-notice mlk-empty">
      <p className="mlk-empty-title">{trans.__('No models yet')}</p>
      <p>{trans.__('Deploy one from a notebook, and it appears here:')}</p>
      <div className="mlk-example">
        <code>{EXAMPLE}</code>
        <CopyButton
          text={`from mlkraken_client import Kraken\n${EXAMPLE}`}
          label={trans.__('Copy the example')}
        />
      </div>
    </div>
  );
}

function Problem({ error }: { readonly error: KrakenError }): React.JSX.Element {
  return (
    <div className="mlk-notice" role="alert">
      <p className="mlk-problem">{error.message}</p>
      {error.hint && <p>{error.hint}</p>}
    </div>
  );
}

/** Says that the backend does not answer, and when it is tried again. */
export function OfflineBar(): React.JSX.Element | null {
  const { model: panel, trans } = usePanel();
  const { connection, error, retryAt } = panel.session.stream.state;
  const seconds = useCountdown(connection === 'offline' ? retryAt : null);
  if (connection !== 'offline') {
    return null;
  }
  const answered = error !== null && !error.passing;
  return (
    <div className="mlk-bar mlk-bar-offline" role="alert">
      <div className="mlk-bar-text">
        <strong>
          {answered ? trans.__('There is no access.') : trans.__('The backend does not answer.')}
        </strong>{' '}
        {error && (
          <span className="mlk-bar-why">
            {error.message} {error.hint}
          </span>
        )}{' '}
        <span className="mlk-quiet">
          {seconds > 0 ? trans.__('Trying again in %1 s.', seconds) : trans.__('Trying again…')}
        </span>
      </div>
      <button
        type="button"
        className="mlk-text-button"
        data-action="retry"
        onClick={() => {
          panel.session.refresh();
        }}
      >
        {trans.__('Try now')}
      </button>
    </div>
  );
}

/** Says what was refused, until somebody has read it. */
export function FailureBar({ failure }: { readonly failure: IActionFailure }): React.JSX.Element {
  const { model: panel, trans } = usePanel();
  const { action, name, error } = failure;
  const titles = {
    start: trans.__('%1 could not be started.', name),
    stop: trans.__('%1 could not be stopped.', name),
    restart: trans.__('%1 could not be restarted.', name),
    delete: trans.__('%1 could not be deleted.', name)
  };
  return (
    <div className="mlk-bar mlk-bar-failure" role="alert" data-failed={action}>
      <div className="mlk-bar-text">
        <strong>{titles[action]}</strong> {error.message}{' '}
        {error.hint && <span className="mlk-quiet">{error.hint}</span>}
      </div>
      <button
        type="button"
        className="mlk-text-button"
        data-action="dismiss"
        onClick={() => {
          panel.dismissFailure();
        }}
      >
        {trans.__('Close')}
      </button>
    </div>
  );
}

/** Returns the whole seconds until a moment, 0 when it is past. */
function useCountdown(until: number | null): number {
  const [now, setNow] = React.useState(Date.now());
  React.useEffect(() => {
    if (until === null) {
      return;
    }
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 500);
    return () => {
      clearInterval(timer);
    };
  }, [until]);
  return until === null ? 0 : Math.max(0, Math.ceil((until - now) / 1000));
}
