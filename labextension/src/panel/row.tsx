/** One model in the list. */

import React from 'react';

import type { IModel } from '../api/documents';
import type { IShownModel } from '../model/actions';
import { usePanel } from './context';
import { CopyButton, ModelActions, Moment, StateMark } from './controls';
import { address, cpu, fullName, memory, ranges } from './format';

interface IRow {
  readonly shown: IShownModel;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly selected: boolean;
  /** Whether the Tab key stops here; one row is. */
  readonly current: boolean;
  /** Minutes since 1970; rows tell how long ago things were. */
  readonly minute: number;
  readonly onSelect: (name: string) => void;
}

/** Scrolling moves most rows into sight again as they were, so they are not built anew. */
export const Row = React.memo((props: IRow) => {
  const { shown, index, selected, current } = props;
  const { model } = shown;
  const tabIndex = current ? 0 : -1;
  return (
    <div
      className="mlk-row"
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      tabIndex={tabIndex}
      style={{ transform: `translateY(${props.top}px)`, height: props.height }}
      data-model={model.name}
      data-state={shown.state}
      data-version={model.live_version ?? ''}
      onClick={() => {
        props.onSelect(model.name);
      }}
    >
      <span className="mlk-cell mlk-col-name" role="gridcell" title={fullName(model)}>
        {model.name}
      </span>
      <span className="mlk-cell mlk-col-state" role="gridcell">
        <StateMark shown={shown} />
        {model.reason && (
          <span
            className={model.state === 'failed' ? 'mlk-why mlk-problem' : 'mlk-why'}
            title={model.reason}
          >
            {model.reason}
          </span>
        )}
      </span>
      <Versions model={model} />
      <Address model={model} tabIndex={tabIndex} />
      <Facts model={model} />
      <span className="mlk-cell mlk-col-actions" role="gridcell">
        <ModelActions shown={shown} tabIndex={tabIndex} />
      </span>
    </div>
  );
});
Row.displayName = 'Row';

function Versions({ model }: { readonly model: IModel }): React.JSX.Element {
  const { trans } = usePanel();
  const coming =
    model.target_version !== null && model.target_version !== model.live_version
      ? ` → ${model.target_version}`
      : '';
  const live = model.live_version === null ? '' : String(model.live_version);
  const all = ranges(model.versions);
  return (
    <>
      <span className="mlk-cell mlk-col-live" role="gridcell" title={trans.__('Live version')}>
        {live + coming}
      </span>
      <span className="mlk-cell mlk-col-versions" role="gridcell" title={trans.__('Versions')}>
        {all}
      </span>
    </>
  );
}

function Address(props: { readonly model: IModel; readonly tabIndex: number }): React.JSX.Element {
  const { trans } = usePanel();
  const { model, tabIndex } = props;
  const where = address(model);
  const label = trans.__('Copy the address of %1', model.name);
  return (
    <span className="mlk-cell mlk-col-address" role="gridcell">
      {where && (
        <>
          <code>{where}</code>
          <CopyButton text={where} label={label} tabIndex={tabIndex} />
        </>
      )}
    </span>
  );
}

function Facts({ model }: { readonly model: IModel }): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <>
      <span className="mlk-cell mlk-col-cpu" role="gridcell" title={trans.__('CPU cores')}>
        {cpu(model)}
      </span>
      <span className="mlk-cell mlk-col-memory" role="gridcell" title={trans.__('Memory')}>
        {memory(model)}
      </span>
      <span className="mlk-cell mlk-col-owner" role="gridcell" title={trans.__('Owner')}>
        {model.owner}
      </span>
      <span className="mlk-cell mlk-col-created" role="gridcell">
        <Moment when={model.created_at} />
      </span>
      <span className="mlk-cell mlk-col-updated" role="gridcell">
        <Moment when={model.updated_at} />
      </span>
    </>
  );
}
