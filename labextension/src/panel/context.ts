/** What every part of the panel needs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { Action, IShownModel } from '../model/actions';
import type { PanelModel } from '../model/panel';

export interface IPanelContext {
  readonly model: PanelModel;
  readonly trans: TranslationBundle;
  /** Language of the interface, as a BCP 47 tag. */
  readonly locale: string;
  /** Does what a button says; asks first where something would be lost. */
  readonly act: (action: Action, shown: IShownModel) => void;
}

const Context = React.createContext<IPanelContext | null>(null);

export const PanelContext = Context.Provider;

export function usePanel(): IPanelContext {
  const context = React.useContext(Context);
  if (!context) {
    throw new Error('A part of the ML-Kraken panel stands outside of it.');
  }
  return context;
}
