/** Small helpers to build elements; text is always set as text. */

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = ''
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

export function toggleButton(label: string, hint: string, clicked: () => void): HTMLButtonElement {
  const button = element('button', 'mlk-chart-button', label);
  button.type = 'button';
  button.title = hint;
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', clicked);
  return button;
}
