// The page is kept whole under one version; what it says to the hub is never answered from here.
const kept = 'page-%VERSION%';
const files = ['/scan/', '/scan/page.css', '/scan/app.js', '/scan/db.js', '/scan/queue.js', '/scan/codes.js', '/scan/tell.js', '/scan/steps.js', '/scan/screen.js', '/scan/work.js', '/scan/moves.js', '/scan/puts.js', '/scan/next.js', '/scan/app.webmanifest', '/scan/icon.svg'];

self.addEventListener('install', e => e.waitUntil((async () => {
  const cache = await caches.open(kept);
  await cache.addAll(files.map(f => new Request(f, { cache: 'reload' })));
  await self.skipWaiting();
})()));

self.addEventListener('activate', e => e.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== kept) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener('fetch', e => {
  const url = new URL(e.request.url);
  if (e.request.method !== 'GET' || url.origin !== location.origin || !url.pathname.startsWith('/scan')) return;
  const path = url.pathname === '/scan' ? '/scan/' : url.pathname;
  e.respondWith((async () => (await (await caches.open(kept)).match(path)) || fetch(e.request))());
});
