// Buttons that copy: <button type="button" data-copy="id" data-copied="Copied" hidden>Copy</button>.
// They show themselves; without scripts one selects and copies by hand.

const SHOWN = 2000; // milliseconds

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const text = (source.value ?? source.textContent).trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS there is no clipboard: what is selected is one key away from it.
    getSelection().selectAllChildren(source);
    return;
  }
  const word = button.textContent;
  button.textContent = button.dataset.copied;
  button.disabled = true;
  setTimeout(() => {
    button.textContent = word;
    button.disabled = false;
    button.focus();
  }, SHOWN);
}

for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', () => copy(button));
}
