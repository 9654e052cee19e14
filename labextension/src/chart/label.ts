/** What a screen reader says of the chart. */

const PAUSE_MS = 1000;

/** An element's label that changes no oftener than a screen reader can follow. */
export class Label {
  constructor(private readonly _node: HTMLElement) {}

  say(words: string): void {
    this._words = words;
    if (this._timer !== 0) {
      return;
    }
    this._node.setAttribute('aria-label', words);
    this._timer = window.setTimeout(() => {
      this._timer = 0;
      this._node.setAttribute('aria-label', this._words);
    }, PAUSE_MS);
  }

  dispose(): void {
    clearTimeout(this._timer);
  }

  private _timer = 0;
  private _words = '';
}
