// Registers the service worker, except in the panel on another website.

if (window === top) navigator.serviceWorker?.register('/service-worker.js').catch(() => {});
