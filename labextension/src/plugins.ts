/** What JupyterLab and Notebook load: every token is optional, so that either will do. */

import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { KrakenClient } from './api/client';
import { sender } from './api/request';
import { addCommands, CommandIDs } from './commands';
import { krakenIcon } from './icons';
import { Session } from './model/session';
import { KrakenPanel } from './panel/widget';
import { Settings } from './settings';

const PLUGIN_ID = '@mlkraken/labextension:plugin';
const PANEL_ID = 'mlkraken-panel';
const TAB_ID = 'mlkraken-tab';
const RANK = 600;

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Deployed models: their states, response times and logs.',
  autoStart: true,
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, ILauncher, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const language = translator ?? nullTranslator;
    const trans = language.load('mlkraken');
    const settings = new Settings();
    const session = newSession(app, settings);
    const openTab = labShell ? () => void app.commands.execute(CommandIDs.openTab) : null;
    const panel = new KrakenPanel({ session, translator: language, openTab });
    panel.id = PANEL_ID;
    panel.title.icon = krakenIcon;
    panel.title.caption = trans.__('ML-Kraken');
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('ML-Kraken'));
    app.shell.add(panel, 'left', { rank: RANK, type: 'ML-Kraken' });
    restorer?.add(panel, PANEL_ID);

    const tabs = new WidgetTracker<MainAreaWidget<KrakenPanel>>({ namespace: 'mlkraken' });
    addCommands(app, trans, {
      openPanel: () => {
        app.shell.activateById(PANEL_ID);
      },
      openTab: labShell && (() => void showTab(app, tabs, session, language)),
      refresh: () => {
        session.refresh();
      }
    });
    void restorer?.restore(tabs, { command: CommandIDs.openTab, name: () => TAB_ID });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: trans.__('ML-Kraken') });
    }
    launcher?.add({ command: CommandIDs.openTab, args: { isLauncher: true }, rank: 2 });

    void Promise.all([settings.load(registry, PLUGIN_ID), app.restored]).then(
      () => {
        if (settings.openAtStart) {
          app.shell.activateById(PANEL_ID);
        }
      },
      (reason: unknown) => {
        console.error('The settings of ML-Kraken could not be loaded.', reason);
      }
    );
  }
};

function newSession(app: JupyterFrontEnd, settings: Settings): Session {
  const client = new KrakenClient(sender(app.serviceManager.serverSettings));
  const session = new Session({ client, history: () => settings.graphHistory });
  const follow = (): void => {
    session.activity.setPageVisible(!document.hidden);
  };
  document.addEventListener('visibilitychange', follow);
  follow();
  return session;
}

/** Shows the tab, a new one if there is none. */
async function showTab(
  app: JupyterFrontEnd,
  tabs: WidgetTracker<MainAreaWidget<KrakenPanel>>,
  session: Session,
  translator: ITranslator
): Promise<void> {
  if (!tabs.find(() => true)) {
    const tab = newTab(session, translator);
    app.shell.add(tab, 'main');
    await tabs.add(tab);
  }
  app.shell.activateById(TAB_ID);
}

function newTab(session: Session, translator: ITranslator): MainAreaWidget<KrakenPanel> {
  const trans = translator.load('mlkraken');
  const content = new KrakenPanel({ session, translator, openTab: null });
  const tab = new MainAreaWidget({ content });
  tab.id = TAB_ID;
  tab.title.label = trans.__('ML-Kraken');
  tab.title.icon = krakenIcon;
  tab.title.closable = true;
  return tab;
}

export default [plugin];
