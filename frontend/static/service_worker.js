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
// The smaller forms of photos, until whoever is signed in signs out (frontend/src/photos/forms.rs): as many bytes
// as the person allows, what was looked at longest ago goes first.
const FORMS = 'photo-forms';
const PHOTO = /^\/api\/v1\/photos\/([^/]+)\/(thumbnail|preview|display)$/;
const BUDGET_BYTES_DEFAULT = 512 * 1024 * 1024;
// Larger forms go before thumbnails as long as they take more than this share of it.
const LARGER_SHARE = 0.25;
// Room is made for more than what is over the budget, so that it is made seldom.
const ROOM_SHARE = 0.05;
// A use is noted again after this long: order is what matters.
const USE_NOTED_AFTER_MS = 10 * 60 * 1000;
// Rendered by the server, so that they are fresh and carry no session.
const PUBLIC_PAGES = /^\/(sign-in|register|s)(\/|$)/;

self.addEventListener('install', (event) => {
  event.waitUntil(fetchSite().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  // What older builds held of photos was not counted.
  event.waitUntil(Promise.all([self.clients.claim(), caches.delete('photos')]));
});

// The page asks when it starts, and now and then, whether there is a newer build. Of photos it says what it wants done,
// and gives a port for the answer.
self.addEventListener('message', (event) => {
  if (event.data === 'refresh') {
    // Without a network there is nothing newer to be had.
    event.waitUntil(
      fetchSite()
        .catch(() => undefined)
        .then(dropUnused),
    );
  } else if (event.data?.forms) {
    const answer = (said) => event.ports[0]?.postMessage(said);
    event.waitUntil(wished(event.data).then(answer, () => answer(null)));
  }
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) {
    return;
  }
  const form = PHOTO.exec(url.pathname);
  if (form && url.searchParams.has('v')) {
    event.respondWith(photo(event, request, form));
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
async function photo(event, request, [, id, kind]) {
  const cache = await caches.open(FORMS);
  const address = request.url;
  const held = await cache.match(address);
  if (held) {
    const bytes = Number(held.headers.get('Content-Length')) || 0;
    event.waitUntil(noteUse({ address, id, kind, bytes }).catch(() => undefined));
    return held;
  }
  const response = await fetch(request);
  // Under the name of another content it may change.
  if (response.ok && response.headers.get('Cache-Control')?.includes('immutable')) {
    // A full disk, or a body that is not wanted any more: the page has what it asked for all the same.
    event.waitUntil(hold(cache, { address, id, kind }, response.clone()).catch(() => undefined));
  }
  return response;
}

async function hold(cache, form, response) {
  const bytes = (await response.clone().blob()).size;
  await cache.put(form.address, response);
  await noteUse({ ...form, bytes });
  await makeRoom();
}

let opened;

// Of each form that is held its size and its last use, and what the person chose.
function database() {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open(FORMS, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore('held', { keyPath: 'address' });
      opening.result.createObjectStore('chosen');
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  return opened;
}

// What a step in one of the database's stores answers, once it stands there.
async function inStore(name, mode, step) {
  const transaction = (await database()).transaction(name, mode);
  const request = step(transaction.objectStore(name));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

let forms;

// Every form that is held, by its address, and what the person chose.
function known() {
  forms ??= (async () => {
    const held = await inStore('held', 'readonly', (store) => store.getAll());
    const budget = await inStore('chosen', 'readonly', (store) => store.get('budget'));
    const kept = await inStore('chosen', 'readonly', (store) => store.get('kept'));
    return {
      held: new Map(held.map((form) => [form.address, form])),
      budget: budget ?? BUDGET_BYTES_DEFAULT,
      // Photos that a person keeps here: their forms stay.
      kept: new Set(kept),
    };
  })();
  return forms;
}

async function noteUse(form) {
  const { held } = await known();
  const used = Date.now();
  if (used - (held.get(form.address)?.used ?? 0) > USE_NOTED_AFTER_MS) {
    held.set(form.address, { ...form, used });
    await inStore('held', 'readwrite', (store) => store.put({ ...form, used }));
  }
}

// How many forms there are of each kind, and what they take.
function amounts(held) {
  const sums = { thumbnail: { count: 0, bytes: 0 }, preview: { count: 0, bytes: 0 }, display: { count: 0, bytes: 0 } };
  for (const { kind, bytes } of held.values()) {
    sums[kind].count += 1;
    sums[kind].bytes += bytes;
  }
  return sums;
}

// The forms that have to go so that the others fit. Those of photos that a person keeps are not counted.
function excess({ held, kept, budget }) {
  const loose = [...held.values()].filter(({ id }) => !kept.has(id));
  const small = loose.filter(({ kind }) => kind === 'thumbnail');
  const large = loose.filter(({ kind }) => kind !== 'thumbnail');
  const bytesOf = (some) => some.reduce((sum, { bytes }) => sum + bytes, 0);
  const larger = bytesOf(large);
  const over = bytesOf(small) + larger - budget;
  if (over <= 0) {
    return [];
  }
  // Only now: this is looked at with every form that comes.
  small.sort((a, b) => a.used - b.used);
  large.sort((a, b) => a.used - b.used);
  const wanted = over + ROOM_SHARE * budget;
  const ofLarge = oldest(large, Math.min(wanted, larger - LARGER_SHARE * budget));
  const ofSmall = oldest(small, wanted - bytesOf(ofLarge));
  const rest = oldest(large.slice(ofLarge.length), wanted - bytesOf(ofLarge) - bytesOf(ofSmall));
  return [...ofLarge, ...ofSmall, ...rest];
}

// The first of these, until they make up so many bytes.
function oldest(some, bytes) {
  let left = bytes;
  return some.filter((form) => {
    const goes = left > 0;
    left -= form.bytes;
    return goes;
  });
}

async function makeRoom() {
  await drop(excess(await known()));
}

async function drop(gone) {
  const [{ held }, cache] = [await known(), await caches.open(FORMS)];
  for (const { address } of gone) {
    held.delete(address);
    await cache.delete(address);
    await inStore('held', 'readwrite', (store) => store.delete(address));
  }
}

// What the page wants of the smaller forms: it is told what is here then.
async function wished({ forms: wish, bytes, ids }) {
  const here = await known();
  const choose = (name, value) => inStore('chosen', 'readwrite', (store) => store.put(value, name));
  switch (wish) {
    case 'budget':
      here.budget = bytes;
      await choose('budget', bytes);
      await makeRoom();
      break;
    case 'keep':
      here.kept = new Set(ids);
      await choose('kept', ids);
      await makeRoom();
      break;
    // Thumbnails stay: without them a library is blank.
    case 'forget-larger':
      await drop([...here.held.values()].filter(({ id, kind }) => kind !== 'thumbnail' && !here.kept.has(id)));
      break;
    case 'forget-all':
      here.held.clear();
      here.budget = BUDGET_BYTES_DEFAULT;
      here.kept.clear();
      await caches.delete(FORMS);
      await inStore('held', 'readwrite', (store) => store.clear());
      await inStore('chosen', 'readwrite', (store) => store.clear());
      break;
    default:
  }
  return { ...amounts(here.held), budget: here.budget };
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
