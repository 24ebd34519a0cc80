// Keeps what the offline verification needs and answers with it when the network does not.
"use strict";
const CACHE = "jinzhi-verify-{{ version }}";
const PAGE = {{ page|safe }};
const FRESH = {{ fresh|safe }};
const ASSETS = {{ assets|safe }};
const PATIENCE = 6000; // milliseconds for a page to come

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(CACHE)
      .then((cache) => cache.addAll([PAGE, ...FRESH, ...ASSETS].map((address) => new Request(address, { credentials: "omit", cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((n) => n.startsWith("jinzhi-verify-") && n !== CACHE).map((n) => caches.delete(n))))
      .then(() => self.clients.claim()),
  );
});

async function page(request) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const answer = await fetch(request, { signal: stop.signal });
    if (![502, 503, 504].includes(answer.status)) return answer;
  } catch { /* no network: what is kept answers */ } finally {
    clearTimeout(timer);
  }
  return (await caches.open(CACHE)).match(PAGE);
}

async function fresh(request) {
  const cache = await caches.open(CACHE);
  const address = new URL(request.url).pathname;
  try {
    const answer = await fetch(request, { cache: "no-cache" }); // a key may have been called in a minute ago
    if (answer.ok) await cache.put(address, answer.clone());
    return answer;
  } catch {
    return (await cache.match(address)) ?? Response.error();
  }
}

async function kept(request) {
  return (await (await caches.open(CACHE)).match(request.url)) ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (FRESH.includes(address.pathname)) event.respondWith(fresh(request));
  else if (ASSETS.includes(address.pathname)) event.respondWith(kept(request));
});
