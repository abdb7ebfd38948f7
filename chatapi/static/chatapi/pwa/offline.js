// The page that stands in for another one while there is no connection: on to that one, once there is.

const EVERY = 5_000; // milliseconds

const again = () => location.reload();
document.querySelector('#again').addEventListener('click', again);
addEventListener('online', again);

setInterval(async () => {
  if (document.hidden) return;
  const there = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(EVERY) }).catch(() => null);
  if (there?.ok) again();
}, EVERY);
