// What a visitor is asked before a conversation. Each step shows itself in `root` and promises an
// answer; what was typed stays when it is refused.

import { bdi, element } from '../../chatapi/ui/dom.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { CodeInput } from './code-input.js';
import { sentence } from '../conversation/errors.js';

let made = 0;

/** A labelled input of a form. `error` is shown beside it. */
export function field(label, properties, { hint = null } = {}) {
  const id = `field-${(made += 1)}`;
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
    refuse(text) {
      error.textContent = text ?? '';
      error.hidden = !text;
      input.setAttribute('aria-invalid', String(Boolean(text)));
      if (text) input.setAttribute('aria-describedby', `${id}-error`);
    },
  };
}

/**
 * A step: a heading, `content`, buttons. `act()` gives the answer of the promise; when it throws, the
 * error is shown — by the fields of `fields` that the API names — and the step stays.
 */
export function step(root, { title, content, submit, act, fields = {}, others = [], problem = null }) {
  return new Promise((resolve) => {
    const fault = element('p', { class: 'notice error', role: 'alert', hidden: !problem }, problem ?? '');
    const button = submit ? element('button', { class: 'button', type: 'submit' }, submit) : null;
    const heading = element('h1', { tabIndex: -1 }, title);
    const form = element(
      'form',
      { class: 'card step', noValidate: false, on: { submit: (event) => submitted(event) } },
      heading,
      fault,
      ...content,
      element('div', { class: 'actions' }, button, ...others.map((other) => link(other))),
    );

    function link({ label, answer }) {
      return element('button', { class: 'link', type: 'button', on: { click: () => resolve(answer) } }, label);
    }

    async function submitted(event) {
      event.preventDefault();
      fault.hidden = true;
      for (const each of Object.values(fields)) each.refuse(null);
      form.inert = true;
      form.setAttribute('aria-busy', 'true');
      try {
        resolve(await act(form));
      } catch (error) {
        form.inert = false;
        refuse(error);
      } finally {
        form.removeAttribute('aria-busy');
      }
    }

    function refuse(error) {
      const named = Object.entries(fields).filter(([name]) => error.errors?.[name]);
      for (const [name, each] of named) each.refuse(error.errors[name].join(' '));
      if (named.length) {
        named[0][1].input.focus();
      } else {
        fault.textContent = sentence(error);
        fault.hidden = false;
        form.querySelector('input, textarea, button')?.focus();
      }
      form.dispatchEvent(new CustomEvent('refused', { detail: error }));
    }

    root.replaceChildren(form);
    const first = form.querySelector('input:not([type=hidden]), textarea');
    (first ?? heading).focus({ preventScroll: true });
  });
}

export function askPassword(root, { problem, others }) {
  const password = field(gettext('Password'), { type: 'password', required: true, autocomplete: 'off' });
  return step(root, {
    title: gettext('This chat is protected'),
    content: [element('p', {}, gettext('Type in the password that came with the invitation.')), password.node],
    submit: gettext('Continue'),
    act: () => password.input.value,
    others,
    problem,
  });
}

/** The fields for name and address, filled with what is known. */
export function personFields({ first_name = '', last_name = '', email = '' } = {}) {
  const name = { required: true, dir: 'auto' };
  return {
    first_name: field(gettext('First name'), { ...name, value: first_name, autocomplete: 'given-name' }),
    last_name: field(gettext('Last name'), { ...name, required: false, value: last_name, autocomplete: 'family-name' }),
    email: field(
      gettext('Email'),
      { type: 'email', required: true, value: email, autocomplete: 'email' },
      { hint: gettext('A code is sent there, to show that it is yours.') },
    ),
  };
}

export const values = (fields) => Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, each.input.value]));

export function askPerson(root, { known, act, problem }) {
  const fields = personFields(known);
  return step(root, {
    title: gettext('Who are you?'),
    content: Object.values(fields).map((each) => each.node),
    submit: gettext('Join the chat'),
    act: () => act(values(fields)),
    fields,
    problem,
  });
}

/** The code that was mailed. `send(code)` gives the answer, `again()` has another one mailed. */
export function askCode(root, { email, send, again, pause = 60 }) {
  const input = new CodeInput({ onFull: () => input.node.closest('form').requestSubmit() });
  const resend = element('button', { class: 'link', type: 'button', on: { click: () => mailAgain() } });
  const said = element('p', { class: 'small', role: 'status' });
  let clock = null;

  function countDown(seconds) {
    clearInterval(clock);
    const end = performance.now() + seconds * 1000; // which nobody sets back, as they may the time of day
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      resend.disabled = left > 0;
      resend.textContent =
        left > 0
          ? interpolate(ngettext('Send it again (in %(n)s second)', 'Send it again (in %(n)s seconds)', left), { n: left })
          : gettext('Send it again');
      if (left <= 0 || !resend.isConnected) clearInterval(clock);
    };
    clock = setInterval(tick, 500);
    queueMicrotask(tick);
  }

  async function mailAgain() {
    resend.disabled = true;
    try {
      await again();
      said.textContent = gettext('A new code is on its way.');
      countDown(60);
      input.clear();
    } catch (error) {
      said.textContent = sentence(error);
      countDown(error.retryAfter ?? 5);
    }
  }

  const asked = step(root, {
    title: gettext('Type in the 6-digit code sent to you'),
    content: [
      element('p', {}, gettext('It was sent to:'), ' ', element('strong', {}, bdi(email))),
      element('fieldset', { class: 'plain' }, element('legend', { class: 'unseen' }, gettext('Code')), input.node),
      element('p', {}, resend),
      said,
    ],
    submit: gettext('Continue'),
    act: () => send(input.value),
    others: [{ label: gettext('Use another address'), answer: null }],
  });
  input.node.closest('form').addEventListener('refused', () => input.clear());
  countDown(pause);
  return asked.finally(() => clearInterval(clock));
}

/** A sentence, and a button to go on. */
export function tell(root, { title, text, submit, act = () => true, others }) {
  return step(root, { title, content: [element('p', {}, text)], submit, act, others });
}
