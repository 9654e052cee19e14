/** The user's settings, with their defaults until they are loaded. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';

export const DEFAULT_HISTORY = 2000;

export class Settings {
  /** How many recorded queries a graph begins with. */
  get graphHistory(): number {
    const chosen = this._loaded?.get('graphHistory').composite;
    return typeof chosen === 'number' ? chosen : DEFAULT_HISTORY;
  }

  get openAtStart(): boolean {
    return this._loaded?.get('openAtStart').composite === true;
  }

  async load(registry: ISettingRegistry | null, pluginId: string): Promise<void> {
    if (registry) {
      this._loaded = await registry.load(pluginId);
    }
  }

  private _loaded: ISettingRegistry.ISettings | null = null;
}
