// Holds the app's own files, so that it starts with the server gone. Of /api it holds the smaller forms of photos
// that were looked at, whose addresses name their contents; all other data lives in the local store.
//
// A build's files come as one set: a cache "site-VERSION" counts only once it holds /site.json, which is
// put last. The app's code lies in a folder named by what is in it, and fetches its later parts from there: a
// page gets the code of one build only, whichever is the newest by then. A page holds a lock named like its
// folder (boot.js); the sets of builds that no page runs any more are dropped.

const PREFIX = 'site-';
const LISTING = '/site.json';
const SHELL = '/shell.html';
const CODE = '/pkg/';
// A cache of its own, for the name of the set that the server had last.
const NEWEST = 'newest';
const NAME = '/name';
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

// The page asks when it starts, and now and then, whether there is a newer build.
self.addEventListener('message', (event) => {
  if (event.data === 'refresh') {
    // Without a network there is nothing newer to be had.
    event.waitUntil(
      fetchSite()
        .catch(() => undefined)
        .then(dropUnused),
    );
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
    event.respondWith(asset(request, url.pathname));
  } else if (PUBLIC_PAGES.test(url.pathname)) {
    event.respondWith(fetch(request).catch(() => ofNewest(SHELL).then((held) => held ?? Response.error())));
  } else if (!isFile(url.pathname)) {
    event.respondWith(ofNewest(SHELL).then((held) => held ?? fetch(request)));
  }
});

// Addresses of the app have no dot in their last part; /metrics and the like are the server's.
function isFile(path) {
  return path.slice(path.lastIndexOf('/')).includes('.') || path === '/metrics';
}

async function asset(request, path) {
  const held = await (path.startsWith(CODE) ? caches.match(path) : ofNewest(path));
  return held ?? fetch(request);
}

async function ofNewest(path) {
  const name = await newest();
  return name && caches.match(path, { cacheName: name });
}

async function newest() {
  const noted = await caches.match(NAME, { cacheName: NEWEST });
  return noted?.text();
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

// One after the other, also where two workers overlap: nothing is dropped that is just being filled.
function inTurn(step) {
  return self.navigator.locks.request('sites', step);
}

// Brings in the server's present build, unless it is here already.
function fetchSite() {
  return inTurn(async () => {
    const listing = await fetch(LISTING, { cache: 'no-store' });
    if (!listing.ok) {
      throw new Error(`the list of files answered ${listing.status}`);
    }
    const { version, files } = await listing.clone().json();
    const name = PREFIX + version;
    const cache = await caches.open(name);
    if (!(await cache.match(LISTING))) {
      const addresses = Object.keys(files).filter((address) => address !== self.location.pathname);
      await Promise.all(addresses.map((address) => keep(cache, address, files[address])));
      await cache.put(LISTING, listing);
    }
    await (await caches.open(NEWEST)).put(NAME, new Response(name));
  });
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

// Sets of builds that are not the newest, and that no page runs.
function dropUnused() {
  return inTurn(async () => {
    const [kept, names, locks] = await Promise.all([newest(), caches.keys(), self.navigator.locks.query()]);
    const running = new Set([...locks.held, ...locks.pending].map((lock) => lock.name));
    for (const name of names) {
      if (name.startsWith(PREFIX) && name !== kept && !running.has(await codeOf(name))) {
        await caches.delete(name);
      }
    }
  });
}

// The folder of the set's code; none where the set was never filled to the end.
async function codeOf(name) {
  const listing = await caches.match(LISTING, { cacheName: name });
  return listing && (await listing.json()).code;
}
