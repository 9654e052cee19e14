/** Everything that is known of the selected model. */

import React from 'react';

import type { IFailure, IModel, IService, IVersion } from '../api/documents';
import type { ISelection } from '../model/panel';
import { usePanel } from './context';
import { CopyButton, Moment } from './controls';
import { address, bytes, cpu, memory } from './format';

export function FactsView(props: {
  readonly selection: ISelection;
  readonly model: IModel;
}): React.JSX.Element {
  const { selection, model } = props;
  const { trans } = usePanel();
  const { details, version } = selection;
  const { service } = details;
  const failure = failureOf(details.versions, service);
  return (
    <div className="mlk-facts" tabIndex={0}>
      {details.error && (
        <p className="mlk-problem" role="alert">
          {details.error.message} {details.error.hint}
        </p>
      )}
      {failure && <Failure failure={failure} />}
      <ModelFacts model={model} />
      {service && <ServiceFacts service={service} model={model} />}
      {details.versions.length > 0 && <Versions versions={details.versions} shown={version} />}
      {details.events.length > 0 && (
        <section aria-label={trans.__('Events')}>
          <h3>{trans.__('Events')}</h3>
          <ol className="mlk-events">
            {details.events.map(event => (
              <li key={event.id}>
                <Moment when={event.at} /> <span>{event.message}</span>
              </li>
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}

/** Why the service failed, or else why the newest version was refused. */
export function failureOf(
  versions: readonly IVersion[],
  service: IService | null
): IFailure | null {
  const newest = versions[0];
  return service?.failure ?? (newest?.status === 'refused' ? newest.failure : null);
}

function Failure({ failure }: { readonly failure: IFailure }): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <section className="mlk-failure" aria-label={trans.__('Why it failed')}>
      <h3>{trans.__('Why it failed')}</h3>
      <p className="mlk-problem">{failure.message}</p>
      {failure.hint && <p>{failure.hint}</p>}
      {failure.logs.length > 0 && (
        <pre className="mlk-failure-log" tabIndex={0} aria-label={trans.__('Last log lines')}>
          {failure.logs.join('\n')}
        </pre>
      )}
    </section>
  );
}

interface IFact {
  readonly name: string;
  readonly value: React.ReactNode;
}

function Facts({ facts }: { readonly facts: readonly IFact[] }): React.JSX.Element {
  return (
    <dl>
      {facts
        .filter(fact => fact.value !== '' && fact.value !== null)
        .map(fact => (
          <React.Fragment key={fact.name}>
            <dt>{fact.name}</dt>
            <dd>{fact.value}</dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

function ModelFacts({ model }: { readonly model: IModel }): React.JSX.Element {
  const { trans } = usePanel();
  const tags = Object.entries(model.tags).map(([key, value]) => (value ? `${key}=${value}` : key));
  const aliases = Object.entries(model.aliases).filter(([, version]) => version !== null);
  const facts: IFact[] = [
    { name: trans.__('Description'), value: model.description },
    { name: trans.__('Tags'), value: tags.join(', ') },
    { name: trans.__('Owner'), value: model.owner },
    { name: trans.__('Created'), value: <Moment when={model.created_at} /> },
    { name: trans.__('Updated'), value: <Moment when={model.updated_at} /> },
    { name: trans.__('Reason'), value: model.reason },
    {
      name: trans.__('Aliases'),
      value: aliases.map(([alias, version]) => `${alias} → ${version}`).join(', ')
    }
  ];
  return (
    <section aria-label={trans.__('Model')}>
      <h3>{trans.__('Model')}</h3>
      <Facts facts={facts} />
    </section>
  );
}

function ServiceFacts(props: {
  readonly service: IService;
  readonly model: IModel;
}): React.JSX.Element {
  const { trans } = usePanel();
  const { service, model } = props;
  const shown = service.version === model.shown_version;
  const { parity } = service;
  const facts: IFact[] = [
    { name: trans.__('State'), value: service.state },
    { name: trans.__('Why'), value: service.reason },
    {
      name: trans._n('Endpoint', 'Endpoints', service.endpoints.length),
      value: service.endpoints.length ? <Endpoints service={service} /> : address(model)
    },
    { name: trans.__('CPU'), value: shown ? cpu(model) : String(service.cpu) },
    { name: trans.__('Memory'), value: shown ? memory(model) : service.memory },
    { name: trans.__('Replicas'), value: String(service.replicas) },
    { name: trans.__('Restarts'), value: String(service.restarts) },
    {
      name: trans.__('Parity'),
      value: [parity.verdict, parity.detail].filter(Boolean).join(': ')
    },
    { name: trans.__('Engine'), value: service.engine }
  ];
  return (
    <section aria-label={trans.__('Service of version %1', service.version)}>
      <h3>{trans.__('Service of version %1', service.version)}</h3>
      <Facts facts={facts} />
    </section>
  );
}

function Endpoints({ service }: { readonly service: IService }): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <ul className="mlk-endpoints">
      {service.endpoints.map(endpoint => (
        <li key={endpoint.replica}>
          <code>{endpoint.url}</code> {endpoint.state}
          <CopyButton text={endpoint.url} label={trans.__('Copy %1', endpoint.url)} />
        </li>
      ))}
    </ul>
  );
}

function Versions(props: {
  readonly versions: readonly IVersion[];
  readonly shown: number | null;
}): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <section aria-label={trans.__('Versions')}>
      <h3>{trans.__('Versions')}</h3>
      <ul className="mlk-versions">
        {props.versions.map(version => (
          <li key={version.version} aria-current={version.version === props.shown}>
            <strong>{version.version}</strong>
            {version.aliases.map(alias => (
              <span key={alias} className="mlk-badge">
                {alias}
              </span>
            ))}
            <span className="mlk-quiet">
              {version.status} · {version.flavor} · {bytes(version.size)} · {version.created_by} ·{' '}
              <Moment when={version.created_at} />
            </span>
            <code className="mlk-digest" title={version.digest}>
              {version.digest}
            </code>
            {version.failure && <span className="mlk-problem">{version.failure.message}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
