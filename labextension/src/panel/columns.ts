/** The columns of the table. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Column } from '../model/order';

export const COLUMNS: readonly Column[] = [
  'name',
  'state',
  'live',
  'versions',
  'address',
  'cpu',
  'memory',
  'owner',
  'created',
  'updated'
];

export function columnLabel(trans: TranslationBundle, column: Column): string {
  switch (column) {
    case 'name':
      return trans.__('Name');
    case 'state':
      return trans.__('State');
    case 'live':
      return trans.__('Live');
    case 'versions':
      return trans.__('Versions');
    case 'address':
      return trans.__('Address');
    case 'cpu':
      return trans.__('CPU');
    case 'memory':
      return trans.__('Memory');
    case 'owner':
      return trans.__('Owner');
    case 'created':
      return trans.__('Created');
    case 'updated':
      return trans.__('Updated');
  }
}
