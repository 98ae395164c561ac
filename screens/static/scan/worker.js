// The service worker of /scan. ``SHELL`` ({build, page, files, decoder}) is written above this by the
// server: files by their addresses, which name their content.
/* global SHELL */
const CACHE = `scan-${SHELL.build}`;
const DECODER = `scan-decoder-${SHELL.decoderBuild}`;
const bare = (address) => new URL(address, location.origin).pathname;
const KEPT = new Set([...SHELL.files, ...SHELL.decoder].map(bare));

async function fill(name, addresses) {
  const cache = await caches.open(name);
  await Promise.all(addresses.map(async (address) => {
    const answer = await fetch(address, { cache: "reload", credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    await cache.put(bare(address), answer);
  }));
}

// All of a version or none of it: a page never mixes two.
self.addEventListener("install", (event) => event.waitUntil(fill(CACHE, [SHELL.page, ...SHELL.files])));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const old = (await caches.keys()).filter((name) => name.startsWith("scan-") && name !== CACHE && name !== DECODER);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
})()));

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
  if (event.data === "keep the decoder") {
    event.waitUntil(fill(DECODER, SHELL.decoder).then(() => event.ports[0].postMessage(true), () => event.ports[0].postMessage(false)));
  }
});

// Only what belongs to the shell is answered here; what central is asked goes to central.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === bare(SHELL.page)) event.respondWith(kept(request, bare(SHELL.page)));
  else if (KEPT.has(url.pathname)) event.respondWith(kept(request, url.pathname));
});

async function kept(request, path) {
  const mine = await (await caches.open(CACHE)).match(path) ?? await (await caches.open(DECODER)).match(path);
  return mine ?? fetch(request);
}
