// Below /static/, the scripts of all apps share one tree. On disk each app has its own.

export function resolve(specifier, context, next) {
  if (!specifier.startsWith('.')) return next(specifier, context);
  const url = new URL(specifier, context.parentURL).href;
  return next(url.replace('/chats/static/chatapi/', '/chatapi/static/chatapi/'), context);
}
