/** The selected model: what can be done to it, and its tabs. */

import { closeIcon, HTMLSelect } from '@jupyterlab/ui-components';
import React from 'react';

import type { IModel } from '../api/documents';
import type { ISelection, Tab } from '../model/panel';
import { ChartView } from './chartview';
import { usePanel } from './context';
import { CopyButton, IconButton, ModelActions, StateMark } from './controls';
import { FactsView } from './facts';
import { address, fullName } from './format';
import { LogView } from './logview';

const TABS: readonly Tab[] = ['times', 'logs', 'details'];

export function Details(): React.JSX.Element | null {
  const { model: panel, trans } = usePanel();
  const { selection } = panel;
  const model = selection && panel.session.list.get(selection.name);
  if (!selection || !model) {
    return null;
  }
  return (
    <section
      className="mlk-details"
      aria-label={trans.__('Model %1', model.name)}
      data-selected={model.name}
    >
      <Head selection={selection} model={model} />
      <Tabs />
      <div
        className="mlk-tab-panel"
        role="tabpanel"
        aria-label={tabLabel(trans, panel.tab)}
        data-tab={panel.tab}
      >
        {panel.tab === 'times' && <ChartView key={selection.name} feed={selection.feed} />}
        {panel.tab === 'logs' && <Logs selection={selection} />}
        {panel.tab === 'details' && <FactsView selection={selection} model={model} />}
      </div>
    </section>
  );
}

function Head(props: {
  readonly selection: ISelection;
  readonly model: IModel;
}): React.JSX.Element {
  const { model: panel, trans } = usePanel();
  const { selection, model } = props;
  const shown = panel.shown(model);
  const where = address(model);
  return (
    <header className="mlk-details-head">
      <div className="mlk-details-line">
        <h2 title={fullName(model)}>{model.name}</h2>
        <ModelActions shown={shown} />
        <IconButton
          icon={closeIcon}
          label={trans.__('Close the details')}
          action="close"
          onClick={() => {
            panel.select(null);
          }}
        />
      </div>
      <div className="mlk-details-line mlk-details-facts">
        <StateMark shown={shown} />
        <Versions selection={selection} model={model} />
        {where && (
          <span className="mlk-address">
            <code>{where}</code>
            <CopyButton text={where} label={trans.__('Copy the address of %1', model.name)} />
          </span>
        )}
      </div>
      {model.reason && <p className={reasonClass(model)}>{model.reason}</p>}
    </header>
  );
}

function reasonClass(model: IModel): string {
  return model.state === 'failed' ? 'mlk-reason mlk-problem' : 'mlk-reason mlk-quiet';
}

function Versions(props: {
  readonly selection: ISelection;
  readonly model: IModel;
}): React.JSX.Element | null {
  const { model: panel, trans } = usePanel();
  const { selection, model } = props;
  const known = new Set([
    ...model.versions,
    ...model.services.map(service => service.version),
    ...selection.details.versions.map(version => version.version)
  ]);
  if (selection.version === null || known.size === 0) {
    return null;
  }
  return (
    <HTMLSelect
      className="mlk-version-select"
      aria-label={trans.__('Version')}
      value={selection.version}
      onChange={event => {
        panel.choose(Number(event.currentTarget.value));
      }}
    >
      {[...known]
        .sort((a, b) => b - a)
        .map(version => (
          <option key={version} value={version}>
            {version === model.live_version
              ? trans.__('version %1 (live)', version)
              : trans.__('version %1', version)}
          </option>
        ))}
    </HTMLSelect>
  );
}

function tabLabel(trans: ReturnType<typeof usePanel>['trans'], tab: Tab): string {
  switch (tab) {
    case 'times':
      return trans.__('Response times');
    case 'logs':
      return trans.__('Logs');
    case 'details':
      return trans.__('Details');
  }
}

function Tabs(): React.JSX.Element {
  const { model: panel, trans } = usePanel();
  const list = React.useRef<HTMLDivElement>(null);
  const move = (step: number): void => {
    const next = TABS[(TABS.indexOf(panel.tab) + step + TABS.length) % TABS.length];
    if (next) {
      panel.tab = next;
      list.current?.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
    }
  };
  return (
    <div
      className="mlk-tabs"
      role="tablist"
      ref={list}
      onKeyDown={event => {
        if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
          event.preventDefault();
          move(event.key === 'ArrowRight' ? 1 : -1);
        }
      }}
    >
      {TABS.map(tab => (
        <button
          key={tab}
          type="button"
          role="tab"
          className="mlk-tab"
          data-tab={tab}
          aria-selected={tab === panel.tab}
          tabIndex={tab === panel.tab ? 0 : -1}
          onClick={() => {
            panel.tab = tab;
          }}
        >
          {tabLabel(trans, tab)}
        </button>
      ))}
    </div>
  );
}

function Logs({ selection }: { readonly selection: ISelection }): React.JSX.Element {
  const { trans } = usePanel();
  if (!selection.logs) {
    return <div className="mlk-quiet mlk-pad">{trans.__('No version has been started yet.')}</div>;
  }
  return <LogView key={`${selection.name}@${selection.version}`} logs={selection.logs} />;
}
