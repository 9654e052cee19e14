/** Small controls: icon buttons, what can be done to a model, copying, states, times. */

import { Clipboard } from '@jupyterlab/apputils';
import {
  checkIcon,
  copyIcon,
  deleteIcon,
  type LabIcon,
  refreshIcon,
  runIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import React from 'react';

import type { Action, IShownModel } from '../model/actions';
import { usePanel } from './context';
import { ago, moment } from './format';
import { actionLabel, stateWord } from './words';

const COPIED_MS = 1500;

interface IIconButton {
  readonly icon: LabIcon;
  readonly label: string;
  readonly action: string;
  readonly tabIndex?: number;
  readonly onClick: () => void;
}

export function IconButton(props: IIconButton): React.JSX.Element {
  return (
    <button
      type="button"
      className="mlk-icon-button"
      data-action={props.action}
      aria-label={props.label}
      title={props.label}
      tabIndex={props.tabIndex ?? 0}
      onClick={event => {
        event.stopPropagation();
        props.onClick();
      }}
    >
      <props.icon.react tag="span" elementSize="normal" />
    </button>
  );
}

const ICONS: Record<Action, LabIcon> = {
  start: runIcon,
  stop: stopIcon,
  restart: refreshIcon,
  delete: deleteIcon
};

/** What can be done to a model in its state. */
export function ModelActions(props: {
  readonly shown: IShownModel;
  readonly tabIndex?: number;
}): React.JSX.Element {
  const { act, trans } = usePanel();
  const { shown, tabIndex = 0 } = props;
  return (
    <span className="mlk-actions">
      {shown.actions.map(action => (
        <IconButton
          key={action}
          icon={ICONS[action]}
          label={actionLabel(trans, action, shown.model.name)}
          action={action}
          tabIndex={tabIndex}
          onClick={() => {
            act(action, shown);
          }}
        />
      ))}
    </span>
  );
}

export function CopyButton(props: {
  readonly text: string;
  readonly label: string;
  readonly tabIndex?: number;
}): React.JSX.Element {
  const { trans } = usePanel();
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => {
      setCopied(false);
    }, COPIED_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  return (
    <IconButton
      icon={copied ? checkIcon : copyIcon}
      label={copied ? trans.__('Copied') : props.label}
      action="copy"
      tabIndex={props.tabIndex ?? 0}
      onClick={() => {
        Clipboard.copyToSystem(props.text);
        setCopied(true);
      }}
    />
  );
}

/** A mark whose shape tells as much as its colour, and the word. */
export function StateMark({ shown }: { readonly shown: IShownModel }): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <span className="mlk-state" data-state={shown.state}>
      <span className="mlk-state-mark" aria-hidden="true" />
      <span className="mlk-state-word">{stateWord(trans, shown)}</span>
    </span>
  );
}

/** A moment told by its distance, exactly on hover. */
export function Moment(props: {
  readonly when: string;
  readonly prefix?: string;
}): React.JSX.Element {
  const { locale } = usePanel();
  return (
    <time dateTime={props.when} title={moment(props.when)}>
      {props.prefix}
      {ago(props.when, Date.now(), locale)}
    </time>
  );
}
