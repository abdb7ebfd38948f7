// A button on any website that opens a chat with a company:
//   <script src="https://chat.example.com/embed.js" data-company="acme" defer></script>
// It makes no other request until a visitor presses the button, and sets no cookie. See docs/embed.md.
(() => {
  const STATE = Symbol.for('chatapi.embed'); // shared by all scripts of this page
  const READY_TIMEOUT = 5_000; // milliseconds
  const STABLE = 10_000; // milliseconds until the page counts as no longer removing the element
  const COLOR = '#0b5cad';
  const I18N = {
    en: {
      text: 'Get help',
      close: 'Close',
      unavailable: 'The chat can’t be shown here.',
      open: 'Open in a new window',
    },
    de: {
      text: 'Hilfe',
      close: 'Schließen',
      unavailable: 'Der Chat kann hier nicht angezeigt werden.',
      open: 'In neuem Fenster öffnen',
    },
  };

  /** @type {any} */
  const global = window;
  const chats = new Map();
  const listeners = new Set();
  const pending = new Set(); // companies to open once their scripts run
  let host, layer, buttons;
  let drawnAt;
  let delay = 0;
  let timer = null;

  // `!important` in a shadow tree outranks the page's rules. A popover is above every z-index and ignores transforms of
  // <html>.
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
    .fallback { margin: auto; padding: 24px; text-align: center; font: 16px/1.5 system-ui, sans-serif; color: CanvasText; }
    .fallback a { color: LinkText; }
    iframe { flex: 1; border: 0; width: 100%; background: Canvas; }
    @media (max-width: 480px) { .panel, .panel.start { position: fixed; inset: 0; align-self: stretch; width: auto; border: 0; border-radius: 0; } }
    @media print { :host { display: none !important; } }
  `;

  /** The primary subtag of a language tag; empty without a translation. */
  function supported(tag) {
    const [primary] = (tag ?? '').trim().toLowerCase().split(/[-_]/);
    return Object.hasOwn(I18N, primary) ? primary : '';
  }

  /** The page's language, the visitor's or English, whichever has a translation first. */
  function pageLanguage() {
    const { documentElement: root, body } = document;
    const xml = root.getAttributeNS('http://www.w3.org/XML/1998/namespace', 'lang');
    return [root.lang, xml, body?.lang, ...navigator.languages].map(supported).find(Boolean) ?? 'en';
  }

  /** Black or white, whichever has more contrast with `color`. */
  function contrast(color) {
    const probe = document.createElement('canvas').getContext('2d');
    probe.fillStyle = COLOR;
    probe.fillStyle = color;
    const hex = /^#(..)(..)(..)$/.exec(String(probe.fillStyle));
    if (!hex) return '#fff';
    const [red, green, blue] = hex.slice(1).map((part) => {
      const value = Number(`0x${part}`) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
  }

  /** @returns {any} the new element */
  function append(name, properties, parent) {
    const created = Object.assign(document.createElement(name), properties);
    parent.append(created);
    return created;
  }

  function warn(text) {
    console.warn(`Chat button: ${text}`);
  }

  /** Earlier versions stored the panel's values unencrypted. */
  const safe = (values) => (typeof values?.sealed === 'string' ? { sealed: values.sealed } : {});

  /** A company's button and panel. */
  function createChat(script, service, company) {
    // Set once a chat was started here. It holds the panel's values if the panel cannot store them, encrypted because
    // every script of this website can read them.
    const storageKey = `chatapi:${service}:${company}`;
    let text, texts, settings;
    let button, label, badge, panel, frame, fallback;
    let ready = null; // the window that said so: a frame that the website moves loads its page into another
    let opened = false;
    let opener = null; // the element that had the focus before the panel opened

    const chat = { company, script, unread: 0, draw, update, open, close, handleMessage };

    function getStored() {
      try {
        return JSON.parse(localStorage.getItem(storageKey));
      } catch {
        return null;
      }
    }
    function setStored(values) {
      try {
        localStorage.setItem(storageKey, JSON.stringify(values));
      } catch {
        // Blocked here, too.
      }
    }

    function urlOf(path) {
      const lang = supported(settings.lang);
      return `${service}/${path}/${encodeURIComponent(company)}${lang ? `?lang=${lang}` : ''}`;
    }

    function draw() {
      button = append('button', { type: 'button' }, buttons);
      label = append('span', {}, button);
      badge = append('span', { className: 'count' }, button);
      button.addEventListener('click', () => (opened ? close() : open()));
      panel = frame = fallback = null;
      // After starting a chat, visitors learn of answers without pressing the button.
      if (opened || (chat.script.dataset.open !== 'window' && getStored() !== null)) load();
      update();
    }

    /** Apply the current attributes of the script and the page's language. */
    function update() {
      settings = chat.script.dataset;
      const lang = supported(settings.lang) || pageLanguage();
      const color = CSS.supports('color', settings.color ?? '') ? settings.color : COLOR;
      texts = I18N[lang];
      text = settings.text ?? texts.text;
      for (const node of [button, panel]) {
        if (!node) continue;
        node.style.setProperty('--color', color);
        node.style.setProperty('--ink', contrast(color));
        node.className = `${node === panel ? 'panel' : 'open'} ${settings.side === 'start' ? 'start' : 'end'}`;
        if (node === panel || settings.text === undefined) node.lang = lang;
        else node.removeAttribute('lang');
      }
      label.textContent = text;
      const { unread } = chat;
      badge.textContent = unread || '';
      badge.hidden = !unread;
      button.hidden = settings.button === 'none';
      if (unread) button.setAttribute('aria-label', `${text} (${unread})`);
      else button.removeAttribute('aria-label');
      if (settings.open === 'window') button.removeAttribute('aria-expanded');
      else button.setAttribute('aria-expanded', opened);
      if (!panel) return;
      panel.hidden = !opened;
      panel.setAttribute('aria-label', text);
      panel.querySelector('.close').setAttribute('aria-label', texts.close);
      frame.title = text;
    }

    function load() {
      settings = chat.script.dataset;
      panel = append('div', {}, layer);
      layer.prepend(panel);
      panel.setAttribute('role', 'dialog');
      const bar = append('div', { className: 'bar' }, panel);
      append('button', { type: 'button', className: 'close', textContent: '×' }, bar).addEventListener('click', close);
      panel.addEventListener('keydown', (event) => event.key === 'Escape' && close());
      const created = append('iframe', { src: urlOf('embed'), allow: 'clipboard-write' }, panel);
      created.addEventListener('load', () =>
        setTimeout(() => created === frame && !isReady() && showFallback(), READY_TIMEOUT),
      );
      frame = created;
    }

    /** If framing is not allowed, show a link: browsers block windows opened without a click. */
    function showFallback() {
      if (fallback) return;
      frame.hidden = true;
      fallback = append('div', { className: 'fallback' }, panel);
      append('p', { textContent: texts.unavailable }, fallback);
      append('a', { href: urlOf('start'), target: '_blank', rel: 'noopener', textContent: texts.open }, fallback);
    }

    function open() {
      if (chat.script.dataset.open === 'window') {
        window.open(urlOf('start'), `chatapi-${company}`, 'width=420,height=700');
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
      notifyFrame();
      emit('open', { company });
    }

    function close() {
      if (!opened) return;
      const hadFocus = document.activeElement === host;
      opened = false;
      update();
      if (hadFocus) (opener?.isConnected ? opener : button).focus();
      notifyFrame();
      emit('close', { company });
    }

    function isReady() {
      return ready !== null && ready === frame?.contentWindow;
    }

    /** Messages in a hidden panel stay unread. */
    function notifyFrame(extra) {
      if (isReady()) ready.postMessage({ from: 'chatapi-host', type: opened ? 'shown' : 'hidden', ...extra }, service);
    }

    function handleMessage({ origin, source, data }) {
      if (origin !== service || !frame || source !== frame.contentWindow || data?.from !== 'chatapi') return;
      if (data.type === 'started') setStored(safe(getStored()));
      else if (data.type === 'keep' && data.key === 'sealed') setStored(safe({ sealed: data.value }));
      else if (data.type === 'close') close();
      else if (data.type === 'ready') {
        ready = source;
        frame.hidden = false;
        fallback?.remove();
        fallback = null;
        notifyFrame(data.blocked ? { kept: safe(getStored()) } : {});
      } else if (data.type === 'unread') {
        const count = Number(data.count) || 0;
        if (count === chat.unread) return;
        chat.unread = count;
        update();
        emit('unread', { company, count });
      }
    }

    if (getStored() !== null) setStored(safe(getStored()));
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
    layer = append('div', { className: 'layer' }, shadow);
    layer.setAttribute('popover', 'manual');
    buttons = append('div', { className: 'buttons' }, layer);
    for (const chat of chats.values()) chat.draw();
    // In the body, it would affect the layout, and frameworks replace the body.
    document.documentElement.append(host);
    drawnAt = performance.now();
    addEventListener('message', handleMessage); // each time, because document.open() removes listeners
    // Only nodes that rarely change.
    observer.disconnect();
    observer.observe(document, { childList: true });
    observer.observe(document.documentElement, { childList: true, attributeFilter: ['lang', 'dir'] });
    adapt();
  }

  /** Follow the page's direction and language; return to the top layer unless a dialog is open. */
  function adapt() {
    layer.dir = getComputedStyle(document.body ?? document.documentElement).direction;
    for (const chat of chats.values()) chat.update();
    if (layer.showPopover && !layer.matches(':popover-open') && !document.querySelector(':modal')) layer.showPopover();
  }

  const observer = new MutationObserver(() => {
    if (host.isConnected) adapt();
    else if (timer === null) {
      // Put it back more slowly each time.
      delay = performance.now() - drawnAt > STABLE ? 0 : Math.min(2 * delay + 50, 60_000);
      timer = setTimeout(draw, delay);
    }
  });

  function handleMessage(event) {
    for (const chat of chats.values()) chat.handleMessage(event);
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

  const chatsOf = (company) => [...chats.values()].filter((chat) => company === undefined || chat.company === company);
  const api = {
    /** Open the panel of a company; by default, that of the page's first script. */
    open(company) {
      const [chat] = chatsOf(company);
      if (chat) chat.open();
      else if (document.readyState === 'complete') warn(`no script here has data-company="${company}".`);
      else pending.add(company);
    },
    close(company) {
      for (const chat of chatsOf(company)) chat.close();
    },
    /** Returns a function that removes the listener. */
    on(type, listener) {
      const entry = { type, listener };
      listeners.add(entry);
      for (const { company, unread } of chats.values())
        if (type === 'unread' && unread) call(listener, { company, count: unread });
      return () => listeners.delete(entry);
    },
    /** Until this script runs, `chatapi` is an array that collects functions. */
    push(...calls) {
      for (const each of calls) call(each, api);
    },
  };

  function publish() {
    const queue = global.chatapi;
    if (queue === api) return;
    const isQueue = Array.isArray(queue);
    if (queue && !isQueue && !(queue instanceof Element)) warn('window.chatapi is something else here.');
    else {
      global.chatapi = api;
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
    if (pending.delete(company)) chat.open();
  }

  function addAll(scripts) {
    // Only a synchronous script in <head> runs before there is a body.
    if (document.body || document.readyState !== 'loading') scripts.forEach(add);
    else document.addEventListener('DOMContentLoaded', () => scripts.forEach(add), { once: true });
  }

  const RUNS = /^(|module|(text|application)\/javascript)$/i; // text/plain waits for consent
  const isEmbedScript = (node) =>
    node instanceof HTMLScriptElement &&
    node.dataset.company &&
    RUNS.test(node.type) &&
    /\/embed\.js$/.test(new URL(node.src, location.href).pathname);

  global[STATE] ??= addAll;
  const start = global[STATE];
  const script = document.currentScript;
  if (script?.dataset?.company) start([script]);
  else {
    // Modules have no currentScript; jQuery loads scripts by elements of its own.
    const found = [...document.querySelectorAll('script[src]')].filter(isEmbedScript);
    if (found.length) start(found);
    else warn('embed.js needs <script src="…/embed.js" data-company="…">.');
    // A module runs once, even if a framework inserts its script again.
    if (!script) document.addEventListener('load', ({ target }) => isEmbedScript(target) && start([target]), true);
  }
})();
