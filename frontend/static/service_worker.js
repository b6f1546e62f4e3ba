// Holds the app's own files, so that it starts with the server gone. Of /api it holds the smaller forms of photos
// that were looked at, whose addresses name their contents; all other data lives in the local store.
//
// A build's files come as one set: a cache "site-VERSION" counts only once it holds /site.json, which is
// put last. A page that is open keeps the set it started with (the oldest whole one); a navigation moves
// on to the newest and drops the rest.

const PREFIX = 'site-';
const LISTING = '/site.json';
const SHELL = '/shell.html';
// The smaller forms of photos, until whoever is signed in signs out (frontend/src/photos).
const PHOTOS = 'photos';
const PHOTO = /^\/api\/v1\/photos\/[^/]+\/(thumbnail|preview|display)$/;
// Some 300 MB: a thumbnail has 8 KB, a preview 90 KB.
const PHOTOS_MAX = 8000;
// How many come until it is counted again.
const PHOTOS_UNCOUNTED = 200;
// Rendered by the server, so that they are fresh and carry no session.
const PUBLIC_PAGES = /^\/(sign-in|register|s)(\/|$)/;

self.addEventListener('install', (event) => {
  event.waitUntil(fetchSite().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
});

// The page asks now and then whether there is a newer build.
self.addEventListener('message', (event) => {
  if (event.data === 'refresh') {
    // Without a network there is nothing newer to be had.
    event.waitUntil(fetchSite().catch(() => undefined));
  }
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) {
    return;
  }
  if (PHOTO.test(url.pathname) && url.searchParams.has('v')) {
    event.respondWith(photo(event, request));
    return;
  }
  if (url.pathname.startsWith('/api/')) {
    return;
  }
  if (request.mode !== 'navigate') {
    event.respondWith(asset(request, url, event.clientId));
  } else if (PUBLIC_PAGES.test(url.pathname)) {
    event.respondWith(fetch(request).catch(() => shell(request)));
  } else if (!isFile(url.pathname)) {
    event.respondWith(shell(request));
  }
});

// Addresses of the app have no dot in their last part; /metrics and the like are the server's.
function isFile(path) {
  return path.slice(path.lastIndexOf('/')).includes('.') || path === '/metrics';
}

async function shell(request) {
  const sites = await wholeSites();
  const newest = sites.pop();
  await Promise.all(sites.map(({ name }) => caches.delete(name)));
  return (await newest?.cache.match(SHELL)) ?? fetch(request);
}

async function asset(request, url, clientId) {
  const [oldest] = await wholeSites();
  const held = await oldest?.cache.match(url.pathname);
  if (!held) {
    return fetch(request);
  }
  // A page that the server rendered wants the files of the server's build.
  const client = clientId && (await self.clients.get(clientId));
  const isPublic = client && PUBLIC_PAGES.test(new URL(client.url).pathname);
  return isPublic ? fetch(request).catch(() => held) : held;
}

// A form of a photo: what was seen once comes from here, for ever the same.
async function photo(event, request) {
  const cache = await caches.open(PHOTOS);
  const held = await cache.match(request.url);
  if (held) {
    return held;
  }
  const response = await fetch(request);
  // Under the name of another content it may change.
  if (response.ok && response.headers.get('Cache-Control')?.includes('immutable')) {
    event.waitUntil(holdPhoto(cache, request.url, response.clone()));
  }
  return response;
}

let uncounted = PHOTOS_UNCOUNTED;

async function holdPhoto(cache, address, response) {
  // A full disk, or a body that is not wanted any more: the page has what it asked for all the same.
  await cache.put(address, response).catch(() => undefined);
  uncounted += 1;
  if (uncounted < PHOTOS_UNCOUNTED) {
    return;
  }
  uncounted = 0;
  // In the order in which they came.
  const addresses = await cache.keys();
  await Promise.all(addresses.slice(0, Math.max(0, addresses.length - PHOTOS_MAX)).map((old) => cache.delete(old)));
}

// The caches that were filled to the end, the oldest first.
async function wholeSites() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  const sites = await Promise.all(
    names.map(async (name) => {
      const cache = await caches.open(name);
      return (await cache.match(LISTING)) && { name, cache };
    }),
  );
  return sites.filter(Boolean);
}

let fetching;

// Brings in the server's present build, unless it is here already.
function fetchSite() {
  fetching ??= fetchNewSite().finally(() => {
    fetching = undefined;
  });
  return fetching;
}

async function fetchNewSite() {
  const listing = await fetch(LISTING, { cache: 'no-store' });
  if (!listing.ok) {
    throw new Error(`the list of files answered ${listing.status}`);
  }
  const { version, files } = await listing.clone().json();
  const name = PREFIX + version;
  const cache = await caches.open(name);
  if (await cache.match(LISTING)) {
    return;
  }
  try {
    const addresses = Object.keys(files).filter((address) => address !== self.location.pathname);
    await Promise.all(addresses.map((address) => keep(cache, address, files[address])));
    await cache.put(LISTING, listing);
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
}

// A deployment under way may mix two builds: only bytes with the listed hash are kept.
async function keep(cache, address, { hash }) {
  const bytes = Uint8Array.from(hash.match(/../g), (digits) => parseInt(digits, 16));
  const integrity = `sha256-${btoa(String.fromCharCode(...bytes))}`;
  const response = await fetch(address, { cache: 'no-cache', integrity });
  if (!response.ok) {
    throw new Error(`${address} answered ${response.status}`);
  }
  await cache.put(address, response);
}
