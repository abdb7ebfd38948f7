// The forms that a visitor fills in before a conversation. Each step shows itself in `root` and returns a promise of
// the answer. A rejected form keeps its values.

import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { describeError } from '../conversation/errors.js';
import { CodeInput } from './code-input.js';

let fieldCount = 0;

/**
 * A labelled input.
 *
 * @typedef {object} Field
 * @property {HTMLElement} node
 * @property {HTMLInputElement | HTMLTextAreaElement} input
 * @property {(text: string | null) => void} setError
 *
 * @param {string} label
 * @param {Record<string, any>} properties of the input, which is a textarea if they have `rows`
 * @param {{hint?: string | null}} [options]
 * @returns {Field}
 */
export function field(label, properties, { hint = null } = {}) {
  fieldCount += 1;
  const id = `field-${fieldCount}`;
  const input = element(properties.rows ? 'textarea' : 'input', { ...properties, id });
  const error = element('p', { class: 'error', id: `${id}-error`, hidden: true });
  const node = element(
    'div',
    { class: 'field' },
    element('label', { for: id }, label),
    input,
    hint ? element('p', { class: 'hint', id: `${id}-hint` }, hint) : null,
    error,
  );
  if (hint) input.setAttribute('aria-describedby', `${id}-hint`);
  return {
    node,
    input,
    setError(text) {
      error.textContent = text ?? '';
      error.hidden = !text;
      input.setAttribute('aria-invalid', String(Boolean(text)));
      if (text) input.setAttribute('aria-describedby', `${id}-error`);
    },
  };
}

/** @typedef {{label: string, answer: any}} Alternative to submitting a form */

/**
 * Show a form until it is submitted.
 *
 * @param {HTMLElement} root
 * @param {object} options
 * @param {string} options.title
 * @param {(Node | string)[]} options.content
 * @param {string} options.submit the label of the button
 * @param {() => any} options.act returns the answer. If it throws, the form shows the error and stays.
 * @param {Record<string, Field>} [options.fields] by the API's names; they show the errors that name them
 * @param {Alternative[]} [options.alternatives]
 * @param {string | null} [options.error] an error to show at once
 * @returns {Promise<any>}
 */
export function step(root, { title, content, submit, act, fields = {}, alternatives = [], error = null }) {
  return new Promise((resolve) => {
    const errorNote = element('p', { class: 'notice error', role: 'alert', hidden: !error }, error ?? '');
    const button = submit ? element('button', { class: 'button', type: 'submit' }, submit) : null;
    const heading = element('h1', { tabIndex: -1 }, title);
    const form = element(
      'form',
      { class: 'card step', on: { submit: (event) => handleSubmit(event) } },
      heading,
      errorNote,
      ...content,
      element('div', { class: 'actions' }, button, ...alternatives.map(renderAlternative)),
    );

    function renderAlternative({ label, answer }) {
      return element('button', { class: 'link', type: 'button', on: { click: () => resolve(answer) } }, label);
    }

    async function handleSubmit(event) {
      event.preventDefault();
      errorNote.hidden = true;
      for (const each of Object.values(fields)) each.setError(null);
      form.inert = true;
      form.setAttribute('aria-busy', 'true');
      try {
        resolve(await act());
      } catch (failure) {
        form.inert = false;
        showError(failure);
      } finally {
        form.removeAttribute('aria-busy');
      }
    }

    function showError(failure) {
      const named = Object.entries(fields).filter(([name]) => failure.errors?.[name]);
      for (const [name, each] of named) each.setError(failure.errors[name].join(' '));
      if (named.length) {
        named[0][1].input.focus();
      } else {
        errorNote.textContent = describeError(failure);
        errorNote.hidden = false;
        /** @type {HTMLElement | null} */ (form.querySelector('input, textarea, button'))?.focus();
      }
      form.dispatchEvent(new CustomEvent('rejected'));
    }

    root.replaceChildren(form);
    /** @type {HTMLElement | null} */
    const first = form.querySelector('input:not([type=hidden]), textarea');
    (first ?? heading).focus({ preventScroll: true });
  });
}

/** @param {HTMLElement} root @param {{error?: string | null, alternatives?: Alternative[]}} options */
export function askPassword(root, { error, alternatives }) {
  const password = field(gettext('Password'), { type: 'password', required: true, autocomplete: 'off' });
  return step(root, {
    title: gettext('This chat is protected'),
    content: [element('p', {}, gettext('Enter the password from your invitation.')), password.node],
    submit: gettext('Continue'),
    act: () => password.input.value,
    alternatives,
    error,
  });
}

/**
 * The fields for name and address, filled with known values.
 *
 * @returns {Record<string, Field>}
 */
export function personFields({ first_name = '', last_name = '', email = '' } = {}) {
  const name = { required: true, dir: 'auto' };
  return {
    first_name: field(gettext('First name'), { ...name, value: first_name, autocomplete: 'given-name' }),
    last_name: field(gettext('Last name'), { ...name, required: false, value: last_name, autocomplete: 'family-name' }),
    email: field(
      gettext('Email'),
      { type: 'email', required: true, value: email, autocomplete: 'email' },
      { hint: gettext('We’ll send a code to confirm this address.') },
    ),
  };
}

/** The values of fields, by their names. */
export const values = (fields) =>
  Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, each.input.value]));

/** Ask for name and address. `act(person)` returns the answer. */
export function askPerson(root, { known, act }) {
  const fields = personFields(known);
  return step(root, {
    title: gettext('Who are you?'),
    content: Object.values(fields).map((each) => each.node),
    submit: gettext('Join the chat'),
    act: () => act(values(fields)),
    fields,
  });
}

/**
 * Ask for the code that was mailed.
 *
 * @param {HTMLElement} root
 * @param {object} options
 * @param {string} options.email
 * @param {(code: string) => Promise<any>} options.verify returns the answer
 * @param {() => Promise<any>} options.resend has another code mailed
 * @param {number} [options.wait] seconds until the visitor may ask for another code
 */
export function askCode(root, { email, verify, resend, wait = 60 }) {
  const input = new CodeInput({ onFull: () => input.node.closest('form').requestSubmit() });
  const resendButton = element('button', { class: 'link', type: 'button', on: { click: () => handleResend() } });
  const status = element('p', { class: 'small', role: 'status' });
  let timer = null;

  function countDown(seconds) {
    clearInterval(timer);
    const end = performance.now() + seconds * 1000; // monotonic
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      resendButton.disabled = left > 0;
      resendButton.textContent =
        left > 0
          ? interpolate(ngettext('Resend code (in %(n)s second)', 'Resend code (in %(n)s seconds)', left), {
              n: left,
            })
          : gettext('Resend code');
      if (left <= 0 || !resendButton.isConnected) clearInterval(timer);
    };
    timer = setInterval(tick, 500);
    queueMicrotask(tick);
  }

  async function handleResend() {
    resendButton.disabled = true;
    try {
      await resend();
      status.textContent = gettext('A new code is on its way.');
      countDown(60);
      input.clear();
    } catch (error) {
      status.textContent = describeError(error);
      countDown(error.retryAfter ?? 5);
    }
  }

  const answer = step(root, {
    title: gettext('Enter your 6-digit code'),
    content: [
      element('p', {}, gettext('We sent it to:'), ' ', element('strong', {}, bdi(email))),
      element('fieldset', { class: 'plain' }, element('legend', { class: 'unseen' }, gettext('Code')), input.node),
      element('p', {}, resendButton),
      status,
    ],
    submit: gettext('Continue'),
    act: () => verify(input.value),
    alternatives: [{ label: gettext('Use a different address'), answer: null }],
  });
  input.node.closest('form').addEventListener('rejected', () => input.clear());
  countDown(wait);
  return answer.finally(() => clearInterval(timer));
}

/**
 * Show a sentence and a button to continue.
 *
 * @param {HTMLElement} root
 * @param {{title: string, text: string, submit: string, alternatives?: Alternative[]}} options
 */
export function showNotice(root, { title, text, submit, alternatives }) {
  return step(root, { title, content: [element('p', {}, text)], submit, act: () => true, alternatives });
}
