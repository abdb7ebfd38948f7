// Copy buttons: <button type="button" data-copy="id" data-copied="Copied" hidden>Copy</button>.
// The script shows them; without scripts people select and copy the text themselves.

const CONFIRMATION = 2000; // milliseconds

/** @param {HTMLButtonElement} button */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const text = (source instanceof HTMLInputElement ? source.value : source.textContent).trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard needs TLS. Selecting the text leaves one key press to copy it.
    getSelection().selectAllChildren(source);
    return;
  }
  const label = button.textContent;
  button.textContent = button.dataset.copied;
  button.disabled = true;
  setTimeout(() => {
    button.textContent = label;
    button.disabled = false;
    button.focus();
  }, CONFIRMATION);
}

/** @type {NodeListOf<HTMLButtonElement>} */
const buttons = document.querySelectorAll('[data-copy]');
for (const button of buttons) {
  button.hidden = false;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', () => copy(button));
}
