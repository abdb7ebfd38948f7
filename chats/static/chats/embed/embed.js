// A button on any website that opens a chat with a company:
//   <script src="https://chat.example.com/embed.js" data-company="acme" defer></script>
// It requests nothing else until the button is pressed, and sets no cookie. See docs/embed.md.
(() => {
  'use strict';

  const STATE = Symbol.for('chatapi.embed'); // of this page, however often the script runs
  const PATIENCE = 5_000; // milliseconds in which a frame says that it is ready
  const CALM = 10_000; // milliseconds after which the element may be added again at once
  const COLOR = '#0b5cad';
  const I18N = {
    en: { text: 'Get help', close: 'Close', away: 'The chat can’t be shown here.', open: 'Open it in a window' },
    de: { text: 'Hilfe', close: 'Schließen', away: 'Der Chat lässt sich hier nicht zeigen.', open: 'In einem Fenster öffnen' },
  };

  const chats = new Map();
  const listeners = new Set();
  const awaited = new Set(); // companies to open whose scripts have not run yet
  let host, layer, buttons;
  let drawn; // when the element was last added
  let delay = 0;
  let timer = null;

  // Important rules of a shadow tree outrank all rules of the page. The layer is a popover: it is above
  // every z-index, and no transform or filter of <html> moves it.
  const STYLE = `
    :host { all: initial !important; position: fixed !important; z-index: 2147483647 !important; }
    :host::before, :host::after { display: none !important; }
    .layer { position: fixed; inset: 20px; width: auto; height: auto; margin: 0; padding: 0; border: 0;
      background: none; overflow: visible; pointer-events: none; display: flex; flex-direction: column; justify-content: flex-end; }
    .buttons { display: flex; flex-flow: row wrap-reverse; justify-content: flex-end; column-gap: 12px; }
    button { font: 600 16px/1.25 system-ui, sans-serif; cursor: pointer; }
    .open { display: flex; align-items: center; gap: 8px; min-height: 48px; max-width: 100%; margin: 16px 0 0; padding: 10px 20px;
      border: 1px solid transparent; border-radius: 24px; overflow-wrap: anywhere; pointer-events: auto;
      background: var(--color); color: var(--ink); box-shadow: 0 4px 16px rgb(0 0 0 / 25%); }
    .open.start { order: -1; margin-inline-end: auto; }
    .open:focus-visible { outline: 3px solid var(--color); outline-offset: 3px; box-shadow: 0 0 0 3px #fff; }
    .count { min-width: 22px; padding: 1px 6px; border-radius: 11px; background: var(--ink); color: var(--color); font-size: 14px; text-align: center; }
    .panel { flex: 0 1 640px; min-height: 0; box-sizing: border-box; width: min(400px, 100%); align-self: flex-end; display: flex;
      flex-direction: column; border: 1px solid rgb(128 128 128 / 40%); border-radius: 14px; overflow: hidden; pointer-events: auto;
      background: Canvas; color-scheme: light dark; box-shadow: 0 12px 40px rgb(0 0 0 / 30%); }
    .panel.start { align-self: flex-start; }
    [hidden] { display: none !important; }
    .bar { display: flex; justify-content: flex-end; background: var(--color); }
    .close { min-width: 44px; min-height: 40px; border: 0; background: none; color: var(--ink); font-size: 20px; }
    .close:focus-visible { outline: 3px solid var(--ink); outline-offset: -5px; }
    .away { margin: auto; padding: 24px; text-align: center; font: 16px/1.5 system-ui, sans-serif; color: CanvasText; }
    .away a { color: LinkText; }
    iframe { flex: 1; border: 0; width: 100%; background: Canvas; }
    @media (max-width: 480px) { .panel, .panel.start { position: fixed; inset: 0; align-self: stretch; width: auto; border: 0; border-radius: 0; } }
    @media print { :host { display: none !important; } }
  `;

  /** The primary subtag of a language tag, as `de` of "DE-AT", if the button speaks that language. */
  function language(tag) {
    const [primary] = (tag ?? '').trim().toLowerCase().split(/[-_]/);
    return Object.hasOwn(I18N, primary) ? primary : '';
  }

  /** The language of the page, or the visitor's if the button does not speak the page's. */
  function pageLanguage() {
    const { documentElement: root, body } = document;
    const xml = root.getAttributeNS('http://www.w3.org/XML/1998/namespace', 'lang');
    return [root.lang, xml, body?.lang, ...navigator.languages].map(language).find(Boolean) ?? 'en';
  }

  /** Black or white, whichever reads better on `color`. */
  function ink(color) {
    const probe = document.createElement('canvas').getContext('2d');
    probe.fillStyle = COLOR;
    probe.fillStyle = color;
    const hex = /^#(..)(..)(..)$/.exec(probe.fillStyle);
    if (!hex) return '#fff';
    const [red, green, blue] = hex.slice(1).map((part) => {
      const share = `0x${part}` / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
  }

  function make(name, properties, parent) {
    const made = Object.assign(document.createElement(name), properties);
    parent.append(made);
    return made;
  }

  function warn(text) {
    console.warn(`Chat button: ${text}`);
  }

  /** All that may be kept here: earlier versions kept the panel's values as they were. */
  const only = (values) => (typeof values?.sealed === 'string' ? { sealed: values.sealed } : {});

  /** One company's button and panel. */
  function createChat(script, service, company) {
    // Kept under this key: that a chat was started here and, where the panel has no storage of its own, one
    // text that only the panel can read, as every script of this website can read what is here.
    const key = `chatapi:${service}:${company}`;
    let text, words, settings;
    let button, label, number, panel, frame, away, ready;
    let opened = false;
    let opener = null; // what had the focus when a script of the website opened the panel

    const chat = { company, script, unread: 0, draw, update, open, close, hear };

    function kept() {
      try {
        return JSON.parse(localStorage.getItem(key));
      } catch {
        return null;
      }
    }
    function keep(values) {
      try {
        localStorage.setItem(key, JSON.stringify(values));
      } catch {
        // This page keeps nothing either.
      }
    }

    function address(path) {
      const lang = language(settings.lang);
      return `${service}/${path}/${encodeURIComponent(company)}${lang ? `?lang=${lang}` : ''}`;
    }

    function draw() {
      button = make('button', { type: 'button' }, buttons);
      label = make('span', {}, button);
      number = make('span', { className: 'count' }, button);
      button.addEventListener('click', () => (opened ? close() : open()));
      panel = frame = away = null;
      // Visitors who have started a chat here hear of answers without pressing the button.
      if (opened || (chat.script.dataset.open !== 'window' && kept() !== null)) load();
      update();
    }

    /** Show the script's attributes and the page's language as they are now. */
    function update() {
      settings = chat.script.dataset;
      const spoken = language(settings.lang) || pageLanguage();
      const color = CSS.supports('color', settings.color ?? '') ? settings.color : COLOR;
      words = I18N[spoken];
      text = settings.text ?? words.text;
      for (const node of [button, panel]) {
        if (!node) continue;
        node.style.setProperty('--color', color);
        node.style.setProperty('--ink', ink(color));
        node.className = `${node === panel ? 'panel' : 'open'} ${settings.side === 'start' ? 'start' : 'end'}`;
        if (node === panel || settings.text === undefined) node.lang = spoken;
        else node.removeAttribute('lang');
      }
      label.textContent = text;
      const { unread } = chat;
      number.textContent = unread || '';
      number.hidden = !unread;
      button.hidden = settings.button === 'none';
      if (unread) button.setAttribute('aria-label', `${text} (${unread})`);
      else button.removeAttribute('aria-label');
      if (settings.open === 'window') button.removeAttribute('aria-expanded');
      else button.setAttribute('aria-expanded', opened);
      if (!panel) return;
      panel.hidden = !opened;
      panel.setAttribute('aria-label', text);
      panel.querySelector('.close').setAttribute('aria-label', words.close);
      frame.title = text;
    }

    function load() {
      settings = chat.script.dataset;
      panel = make('div', {}, layer);
      layer.prepend(panel);
      panel.setAttribute('role', 'dialog');
      const bar = make('div', { className: 'bar' }, panel);
      make('button', { type: 'button', className: 'close', textContent: '×' }, bar).addEventListener('click', close);
      panel.addEventListener('keydown', (event) => event.key === 'Escape' && close());
      ready = false;
      const made = make('iframe', { src: address('embed'), allow: 'clipboard-write' }, panel);
      made.addEventListener('load', () => setTimeout(() => made === frame && !ready && instead(), PATIENCE));
      frame = made;
    }

    /** Where this website may not show the chat: a link, as a window needs a press. */
    function instead() {
      if (away) return;
      frame.hidden = true;
      away = make('div', { className: 'away' }, panel);
      make('p', { textContent: words.away }, away);
      make('a', { href: address('start'), target: '_blank', rel: 'noopener', textContent: words.open }, away);
    }

    function open() {
      if (chat.script.dataset.open === 'window') {
        window.open(address('start'), `chatapi-${company}`, 'width=420,height=700');
        return;
      }
      if (opened) return;
      api.close();
      const focused = document.activeElement;
      opener = focused === host || focused === document.body ? null : focused;
      if (!panel) load();
      opened = true;
      update();
      frame.focus();
      tell();
      emit('open', { company });
    }

    function close() {
      if (!opened) return;
      const within = document.activeElement === host;
      opened = false;
      update();
      if (within) (opener?.isConnected ? opener : button).focus();
      tell();
      emit('close', { company });
    }

    /** Let the frame know whether it is in sight: what is not seen is not read. */
    function tell(more) {
      if (ready) frame.contentWindow?.postMessage({ from: 'chatapi-host', type: opened ? 'shown' : 'hidden', ...more }, service);
    }

    function hear({ origin, source, data }) {
      if (origin !== service || !frame || source !== frame.contentWindow || data?.from !== 'chatapi') return;
      if (data.type === 'started') keep(only(kept()));
      else if (data.type === 'keep' && data.key === 'sealed') keep(only({ sealed: data.value }));
      else if (data.type === 'close') close();
      else if (data.type === 'ready') {
        ready = true;
        frame.hidden = false;
        away?.remove();
        away = null;
        tell(data.blocked ? { kept: only(kept()) } : {});
      } else if (data.type === 'unread') {
        const count = Number(data.count) || 0;
        if (count === chat.unread) return;
        chat.unread = count;
        update();
        emit('unread', { company, count });
      }
    }

    if (kept() !== null) keep(only(kept()));
    return chat;
  }

  function draw() {
    timer = null;
    if (!document.documentElement || host?.isConnected) return;
    host = document.createElement('chatapi-embed');
    const shadow = host.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    layer = make('div', { className: 'layer' }, shadow);
    layer.setAttribute('popover', 'manual');
    buttons = make('div', { className: 'buttons' }, layer);
    for (const chat of chats.values()) chat.draw();
    // Not in the body, whose layout it would be part of, and which frameworks replace.
    document.documentElement.append(host);
    drawn = performance.now();
    addEventListener('message', hear); // again, as document.open() removes listeners
    // These hardly ever change, however busy the page is.
    observer.disconnect();
    observer.observe(document, { childList: true });
    observer.observe(document.documentElement, { childList: true, attributeFilter: ['lang', 'dir'] });
    settle();
  }

  /** Take the page's direction and language; be above all but an open dialog. */
  function settle() {
    layer.dir = getComputedStyle(document.body ?? document.documentElement).direction;
    for (const chat of chats.values()) chat.update();
    if (layer.showPopover && !layer.matches(':popover-open') && !document.querySelector(':modal')) layer.showPopover();
  }

  const observer = new MutationObserver(() => {
    if (host.isConnected) settle();
    else if (timer === null) {
      // A page that removes the element again and again gets it back ever more slowly.
      delay = performance.now() - drawn > CALM ? 0 : Math.min(2 * delay + 50, 60_000);
      timer = setTimeout(draw, delay);
    }
  });

  function hear(event) {
    for (const chat of chats.values()) chat.hear(event);
  }

  function call(listener, value) {
    try {
      listener(value);
    } catch (error) {
      reportError(error);
    }
  }

  function emit(type, detail) {
    for (const entry of [...listeners]) if (entry.type === type) call(entry.listener, detail);
  }

  const named = (company) => [...chats.values()].filter((chat) => company === undefined || chat.company === company);
  const api = {
    /** By default, the panel of the page's first script. */
    open(company) {
      const [chat] = named(company);
      if (chat) chat.open();
      else if (document.readyState === 'complete') warn(`no script here has data-company="${company}".`);
      else awaited.add(company);
    },
    close(company) {
      for (const chat of named(company)) chat.close();
    },
    /** Returns a function that ends this. */
    on(type, listener) {
      const entry = { type, listener };
      listeners.add(entry);
      for (const { company, unread } of chats.values()) if (type === 'unread' && unread) call(listener, { company, count: unread });
      return () => listeners.delete(entry);
    },
    /** Until this script runs, `chatapi` is an array that keeps functions. */
    push(...calls) {
      for (const each of calls) call(each, api);
    },
  };

  function publish() {
    const queue = window.chatapi;
    if (queue === api) return;
    const isQueue = Array.isArray(queue);
    if (queue && !isQueue && !(queue instanceof Element)) warn('window.chatapi is something else here.');
    else {
      window.chatapi = api;
      if (isQueue) api.push(...queue);
    }
  }

  function add(script) {
    const { company } = script.dataset;
    const service = new URL(script.src).origin;
    const key = `${service} ${company}`;
    const known = chats.get(key);
    if (known) {
      known.script = script;
      known.update();
      return;
    }
    const chat = createChat(script, service, company);
    chats.set(key, chat);
    if (host) chat.draw();
    else draw();
    publish();
    if (awaited.delete(company)) chat.open();
  }

  function read(scripts) {
    // Only a script in <head> that does not wait for the page comes before there is a body.
    if (document.body || document.readyState !== 'loading') scripts.forEach(add);
    else document.addEventListener('DOMContentLoaded', () => scripts.forEach(add), { once: true });
  }

  const RUNS = /^(|module|(text|application)\/javascript)$/i; // not text/plain, as before a visitor's consent
  const isOurs = (node) =>
    node instanceof HTMLScriptElement && node.dataset.company && RUNS.test(node.type) && /\/embed\.js$/.test(new URL(node.src, location).pathname);

  const start = (window[STATE] ??= read);
  const script = document.currentScript;
  if (script?.dataset?.company) start([script]);
  else {
    // A module has no currentScript; jQuery fetches a script by another element than the one written.
    const found = [...document.querySelectorAll('script[src]')].filter(isOurs);
    if (found.length) start(found);
    else warn('embed.js needs <script src="…/embed.js" data-company="…">.');
    // A browser runs a module once, even if a framework brings its script again with the next page.
    if (!script) document.addEventListener('load', ({ target }) => isOurs(target) && start([target]), true);
  }
})();
