// A button on any website that opens a chat with a company:
//   <script src="https://chat.example.com/embed.js" data-company="acme" defer></script>
// It asks for nothing more until the button is pressed, sets no cookie and needs no style of the page.
(() => {
  'use strict';
  const script = document.currentScript;
  const { company, color = '#0b5cad', open: how = 'panel', lang = '', side = 'end' } = script.dataset;
  const service = new URL(script.src).origin;
  if (!company || window.chatapiEmbed) return;
  window.chatapiEmbed = true;

  const address = (path) => `${service}/${path}/${encodeURIComponent(company)}${lang ? `?lang=${encodeURIComponent(lang)}` : ''}`;
  const WORDS = {
    en: { text: 'Get help', close: 'Close', away: 'The chat can’t be shown here.', open: 'Open it in a window' },
    de: { text: 'Hilfe', close: 'Schließen', away: 'Der Chat lässt sich hier nicht zeigen.', open: 'In einem Fenster öffnen' },
  };
  const words = WORDS[(lang || document.documentElement.lang || navigator.language).slice(0, 2)] ?? WORDS.en;
  const text = script.dataset.text ?? words.text;
  const PATIENCE = 5_000; // milliseconds in which a frame says that it is there

  // That this browser talks here; and, where the browser lets the panel keep nothing itself, what it keeps:
  // one text that only the panel can read, as every script of this website can read what is kept here.
  const KEY = `chatapi:${service}:${company}`;
  function kept() {
    try {
      return JSON.parse(localStorage.getItem(KEY));
    } catch {
      return null;
    }
  }
  function keep(values) {
    try {
      localStorage.setItem(KEY, JSON.stringify(values));
    } catch {
      // This page keeps nothing either.
    }
  }

  /** All that may be kept here: earlier versions kept the panel's values as they were. */
  const only = (values) => (typeof values?.sealed === 'string' ? { sealed: values.sealed } : {});
  if (kept() !== null) keep(only(kept()));

  /** Black or white, whichever reads better on `color`. */
  function ink() {
    const probe = document.createElement('canvas').getContext('2d');
    probe.fillStyle = '#0b5cad';
    probe.fillStyle = color;
    const hex = /^#(..)(..)(..)$/.exec(probe.fillStyle);
    if (!hex) return '#fff';
    const [red, green, blue] = hex.slice(1).map((part) => {
      const share = Number.parseInt(part, 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
  }

  const STYLE = `
    :host { all: initial; }
    button { font: 600 16px/1.25 system-ui, sans-serif; cursor: pointer; }
    .open { position: fixed; inset-block-end: 20px; inset-inline-${side === 'start' ? 'start' : 'end'}: 20px; z-index: 2147483000;
      display: flex; align-items: center; gap: 8px; min-height: 48px; padding: 10px 20px; border: 0; border-radius: 24px;
      background: var(--color); color: var(--ink); box-shadow: 0 4px 16px rgb(0 0 0 / 25%); }
    .open:focus-visible, .close:focus-visible { outline: 3px solid var(--color); outline-offset: 3px; box-shadow: 0 0 0 3px #fff; }
    .count { min-width: 22px; padding: 1px 6px; border-radius: 11px; background: var(--ink); color: var(--color); font-size: 14px; text-align: center; }
    .panel { position: fixed; inset-block-end: 84px; inset-inline-${side === 'start' ? 'start' : 'end'}: 20px; z-index: 2147483001;
      width: min(400px, calc(100vw - 40px)); height: min(640px, calc(100vh - 110px)); display: flex; flex-direction: column;
      border: 1px solid rgb(128 128 128 / 40%); border-radius: 14px; overflow: hidden; background: Canvas; color-scheme: light dark;
      box-shadow: 0 12px 40px rgb(0 0 0 / 30%); }
    [hidden] { display: none !important; }
    .bar { display: flex; justify-content: flex-end; background: var(--color); }
    .close { min-width: 44px; min-height: 40px; border: 0; background: none; color: var(--ink); font-size: 20px; }
    .away { margin: auto; padding: 24px; text-align: center; font: 16px/1.5 system-ui, sans-serif; color: CanvasText; }
    .away a { color: LinkText; }
    iframe { flex: 1; border: 0; width: 100%; background: Canvas; }
    @media (max-width: 480px) { .panel { inset: 0; width: auto; height: auto; border: 0; border-radius: 0; } }
  `;

  const host = document.createElement('chatapi-embed');
  const shadow = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [sheet];
  host.style.setProperty('--color', color);
  host.style.setProperty('--ink', ink());

  function make(name, properties, parent) {
    const made = Object.assign(document.createElement(name), properties);
    parent.append(made);
    return made;
  }

  const button = make('button', { type: 'button', className: 'open' }, shadow);
  make('span', { textContent: text }, button);
  const count = make('span', { className: 'count', hidden: true }, button);
  let panel = null;
  let frame = null;
  let there = false; // the frame, in which a page of the service said so

  function load() {
    panel = make('div', { className: 'panel', hidden: true }, shadow);
    panel.setAttribute('role', 'dialog');
    panel.setAttribute('aria-label', text);
    const bar = make('div', { className: 'bar' }, panel);
    const close = make('button', { type: 'button', className: 'close', textContent: '×' }, bar);
    close.setAttribute('aria-label', words.close);
    close.addEventListener('click', hide);
    panel.addEventListener('keydown', (event) => event.key === 'Escape' && hide());
    frame = make('iframe', { src: address('embed'), title: text, allow: 'clipboard-write' }, panel);
    frame.addEventListener('load', () => setTimeout(() => there || instead(), PATIENCE));
  }

  /** Where this website is not one that may show the chat: a link to it, as a window needs a press. */
  function instead() {
    frame.hidden = true;
    const away = make('div', { className: 'away' }, panel);
    make('p', { textContent: words.away }, away);
    make('a', { href: address('start'), target: '_blank', rel: 'noopener', textContent: words.open }, away);
  }

  function show() {
    if (how === 'window') {
      window.open(address('start'), 'chatapi', 'width=420,height=700');
      return;
    }
    if (!panel) load();
    panel.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    frame.focus();
    tell();
  }

  function hide() {
    panel.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    button.focus();
    tell();
  }

  /** Let the frame know whether it is in sight: what is not seen is not read. */
  function tell(more) {
    if (there) frame.contentWindow.postMessage({ from: 'chatapi-host', type: panel.hidden ? 'hidden' : 'shown', ...more }, service);
  }

  addEventListener('message', (event) => {
    if (event.origin !== service || event.source !== frame?.contentWindow || event.data?.from !== 'chatapi') return;
    const { type, key, value, blocked } = event.data;
    if (type === 'started') keep(only(kept()));
    else if (type === 'keep' && key === 'sealed') keep(only({ sealed: value }));
    else if (type === 'close') hide();
    else if (type === 'ready') {
      there = true;
      tell(blocked ? { kept: only(kept()) } : {});
    } else if (type === 'unread') {
      const waiting = Number(event.data.count) || 0;
      count.hidden = waiting === 0;
      count.textContent = String(waiting);
      button.setAttribute('aria-label', waiting ? `${text} (${waiting})` : text);
    }
  });

  if (how !== 'window') button.setAttribute('aria-expanded', 'false');
  button.addEventListener('click', () => (panel && !panel.hidden ? hide() : show()));
  document.body.append(host);
  // Somebody who talks here already hears of answers without pressing the button.
  if (how !== 'window' && kept() !== null) load();
})();
