// The page that the service worker shows without a connection. It reloads once there is one.

const INTERVAL = 5_000; // milliseconds

const reload = () => location.reload();
document.querySelector('#again').addEventListener('click', reload);
addEventListener('online', reload);

setInterval(async () => {
  if (document.hidden) return;
  const health = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(INTERVAL) }).catch(
    () => null,
  );
  if (health?.ok) reload();
}, INTERVAL);
