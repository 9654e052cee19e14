/** Commands of the panel. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';

import { krakenIcon } from './icons';

export const CommandIDs = {
  openPanel: 'mlkraken:open-panel',
  openTab: 'mlkraken:open-tab',
  refresh: 'mlkraken:refresh'
} as const;

export interface IDoers {
  readonly openPanel: () => void;
  /** Null where the application has no room for tabs. */
  readonly openTab: (() => void) | null;
  readonly refresh: () => void;
}

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;

export function addCommands(
  { commands }: JupyterFrontEnd,
  trans: TranslationBundle,
  doers: IDoers
): void {
  const { openPanel, openTab, refresh } = doers;
  commands.addCommand(CommandIDs.openPanel, {
    label: trans.__('Show ML-Kraken Models'),
    caption: trans.__('Show the deployed models, their response times and logs'),
    icon: krakenIcon,
    describedBy: NO_ARGUMENTS,
    execute: openPanel
  });
  commands.addCommand(CommandIDs.openTab, {
    label: args => (args.isLauncher ? trans.__('ML-Kraken') : trans.__('Open ML-Kraken Tab')),
    caption: trans.__('Show the deployed models, their response times and logs in a tab'),
    icon: krakenIcon,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          isLauncher: { type: 'boolean', description: trans.__('Whether a launcher card asks') }
        }
      }
    },
    isVisible: () => openTab !== null,
    isEnabled: () => openTab !== null,
    execute: () => {
      openTab?.();
    }
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh ML-Kraken Models'),
    caption: trans.__('Read the deployed models again'),
    describedBy: NO_ARGUMENTS,
    execute: refresh
  });
}
