/** Filter, order, refresh, and the way to the big view. */

import { HTMLSelect, InputGroup, launchIcon, refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { Column } from '../model/order';
import { columnLabel, COLUMNS } from './columns';
import { usePanel } from './context';
import { IconButton } from './controls';
import { FailureBar, OfflineBar } from './notices';

export interface IToolbar {
  /** Opens the same panel as a tab; null where it is one. */
  readonly openTab: (() => void) | null;
}

export function Toolbar(props: IToolbar): React.JSX.Element {
  const { model: panel, trans } = usePanel();
  const total = panel.session.list.models.length;
  const found = panel.models.length;
  const count =
    found === total ? trans._n('%1 model', '%1 models', total) : trans.__('%1 of %2', found, total);
  return (
    <div className="mlk-top">
      <div className="mlk-toolbar">
        <InputGroup
          className="mlk-filter"
          type="search"
          rightIcon="ui-components:search"
          placeholder={trans.__('Filter models')}
          aria-label={trans.__('Filter models')}
          value={panel.filter}
          onChange={event => {
            panel.filter = event.currentTarget.value;
          }}
        />
        <IconButton
          icon={refreshIcon}
          label={trans.__('Refresh the models')}
          action="refresh"
          onClick={() => {
            panel.session.refresh();
          }}
        />
        {props.openTab && (
          <IconButton
            icon={launchIcon}
            label={trans.__('Open as a tab')}
            action="open-tab"
            onClick={props.openTab}
          />
        )}
        <span className="mlk-count" role="status">
          {panel.session.list.loaded && count}
        </span>
        <Order />
      </div>
      <OfflineBar />
      {panel.failure && <FailureBar failure={panel.failure} />}
    </div>
  );
}

/** The order, where there is no table head to click on. */
function Order(): React.JSX.Element {
  const { model: panel, trans } = usePanel();
  const { column, descending } = panel.order;
  return (
    <span className="mlk-order">
      <HTMLSelect
        aria-label={trans.__('Sort by')}
        value={column}
        onChange={event => {
          panel.sortBy(event.currentTarget.value as Column);
        }}
      >
        {COLUMNS.map(name => (
          <option key={name} value={name}>
            {columnLabel(trans, name)}
          </option>
        ))}
      </HTMLSelect>
      <button
        type="button"
        className="mlk-icon-button mlk-direction"
        aria-label={descending ? trans.__('Sort ascending') : trans.__('Sort descending')}
        title={descending ? trans.__('Sort ascending') : trans.__('Sort descending')}
        onClick={() => {
          panel.sortBy(column);
        }}
      >
        {descending ? '↓' : '↑'}
      </button>
    </span>
  );
}
