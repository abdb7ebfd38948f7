// Shows the shell while there is no connection. Nothing else is cached, because chats are private. The view prepends
// SHELL, the paths that the shell consists of, and VERSION.

const CACHE = `shell-${VERSION}`;

addEventListener('install', (event) => {
  const fresh = SHELL.map((path) => new Request(path, { cache: 'reload' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
  skipWaiting();
});

addEventListener('activate', (event) => {
  event.waitUntil(
    Promise.all([
      caches
        .keys()
        .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))),
      registration.navigationPreload?.enable(),
      clients.claim(),
    ]),
  );
});

addEventListener('fetch', (event) => {
  const { request, preloadResponse } = event;
  if (request.mode === 'navigate') {
    event.respondWith(page(request, preloadResponse));
  } else if (SHELL.includes(new URL(request.url).pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(request)));
  }
});

async function page(request, preloaded) {
  try {
    return (await preloaded) ?? (await fetch(request));
  } catch {
    return caches.match(SHELL[0]);
  }
}

addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data.url));
});

async function show(url) {
  const { pathname } = new URL(url, location.origin);
  const windows = await clients.matchAll({ type: 'window' });
  const found = windows.find((each) => new URL(each.url).pathname === pathname);
  if (!found) return clients.openWindow(url);
  const shown = await found.focus();
  return shown.navigate(url);
}
