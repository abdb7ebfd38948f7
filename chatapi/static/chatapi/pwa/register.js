// Installs the service worker; not in the panel of another website, which is none of its pages.

if (window === top) navigator.serviceWorker?.register('/service-worker.js').catch(() => {});
