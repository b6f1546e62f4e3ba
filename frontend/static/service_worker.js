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
// as the person allows. What came ahead goes first, then what was looked at longest ago.
const FORMS = 'forms';
// What is known of each of them, and what the person chose.
const NOTES = 'photo-forms';
const PHOTO = /^\/api\/v1\/photos\/([^/]+)\/(thumbnail|preview|display)$/;
const BUDGET_BYTES_DEFAULT = 512 * 1024 * 1024;
// Larger forms go before thumbnails as long as they take more than this share of it, which what comes ahead leaves free.
const LARGER_SHARE = 0.25;
// Room is made for more than what is over the budget, so that it is made seldom; nothing comes ahead into that.
const ROOM_SHARE = 0.05;
// A use is noted again after this long: order is what matters.
const USE_NOTED_AFTER_MS = 10 * 60 * 1000;
// Thumbnails that come ahead at a time, and what one takes as long as none tells.
const AHEAD_AT_ONCE = 3;
const THUMBNAIL_BYTES = 8 * 1024;
// Forms that are told of, or dropped, in one piece.
const LISTED_AT_ONCE = 5000;
const DROPPED_AT_ONCE = 100;
// What other apps of this device hand over (the web manifest's `share_target`) waits in a cache of its own until the page
// takes it in (frontend/src/handed.rs).
const SHARE = '/share';
const HANDED = 'handed';
// Rendered by the server, so that they are fresh and carry no session.
const PUBLIC_PAGES = /^\/(sign-in|register|s)(\/|$)/;

self.addEventListener('install', (event) => {
  event.waitUntil(fetchSite().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  // What older builds held of photos is not in these notes.
  event.waitUntil(Promise.all([self.clients.claim(), caches.delete('photos'), caches.delete('photo-forms')]));
});

// The page asks when it starts, and now and then, whether there is a newer build. Of photos it says what it wants done,
// and gives a port for the answer.
self.addEventListener('message', (event) => {
  if (event.data === 'refresh') {
    // Without a network there is nothing newer to be had.
    event.waitUntil(
      Promise.all([
        self.clients.claim(),
        fetchSite()
          .catch(() => undefined)
          .then(dropUnused),
      ]),
    );
  } else if (event.data?.forms) {
    const answer = (said) => event.ports[0]?.postMessage(said);
    event.waitUntil(wished(event.data).then(answer, () => answer(null)));
  }
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method === 'POST' && url.origin === self.location.origin && url.pathname === SHARE) {
    event.respondWith(handed(request));
    return;
  }
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

// Any page might send such a form: nothing is taken in before the person said so.
async function handed(request) {
  try {
    const [form, cache] = await Promise.all([request.formData(), caches.open(HANDED)]);
    const files = form.getAll('photos').filter((field) => field instanceof File);
    const address = ({ name, lastModified }) =>
      `/handed/${crypto.randomUUID()}/${lastModified}/${encodeURIComponent(name)}`;
    await Promise.all(files.map((file) => cache.put(address(file), new Response(file))));
  } catch {
    // A full disk. The page shows what came.
  }
  return Response.redirect('/photos', 303);
}

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
  const form = { address: request.url, id, kind };
  const held = await caches.match(form.address, { cacheName: FORMS });
  if (held) {
    event.waitUntil(noteUse(form).catch(() => undefined));
    return held;
  }
  const since = forgotten;
  const response = await fetch(request);
  if (isForEver(response)) {
    // A full disk, or a body that is not wanted any more: the page has what it asked for all the same.
    event.waitUntil(
      whole(form, response.clone())
        .then((came) => hold([came], since))
        .then(makeRoom)
        .catch(() => undefined),
    );
  }
  return response;
}

// Under the name of another content it may change.
function isForEver(response) {
  return response.ok && response.headers.get('Cache-Control')?.includes('immutable');
}

// How often everything was forgotten: what was asked for before is not held after.
let forgotten = 0;

// A form that came whole.
async function whole(form, response) {
  const { size } = await response.clone().blob();
  return { used: Date.now(), ...form, bytes: size, response };
}

// Forms are noted before they are put, so that none is ever here and not counted: a worker may be ended at any point.
// What was left undone so is seen to by the next one.
async function hold(forms, since) {
  const notes = new Map(forms.map(({ response, ...form }) => [form.address, { ...form, coming: 1 }]));
  await inTurn(FORMS, async () => {
    if (since !== forgotten) {
      return;
    }
    await renote([...notes.keys()], (_, address) => notes.get(address));
    const cache = await caches.open(FORMS);
    const puts = await Promise.allSettled(forms.map(({ address, response }) => cache.put(address, response)));
    const isPut = new Map(forms.map(({ address }, at) => [address, puts[at].status === 'fulfilled']));
    await renote([...notes.keys()], (note, address) => (note && isPut.get(address) ? come(note) : undefined));
    if (puts.some(({ status }) => status === 'rejected')) {
      throw new Error('not every form could be put');
    }
  });
}

const come = ({ coming, ...note }) => note;

async function noteUse(form) {
  const note = await inNotes('readonly', ({ held }) => got(held.get(form.address)));
  const used = Date.now();
  if (note && (note.ahead || used - note.used > USE_NOTED_AFTER_MS)) {
    await renote([form.address], (known) => known && looked(known, used));
  } else if (!note) {
    const held = await caches.match(form.address, { cacheName: FORMS });
    await (held && hold([await whole(form, held)], forgotten));
  }
}

const looked = ({ ahead, ...note }, used) => ({ ...note, used });

let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open(NOTES, 2);
    opening.onupgradeneeded = () => {
      const notes = opening.result;
      for (const name of [...notes.objectStoreNames]) {
        if (name !== 'chosen') {
          notes.deleteObjectStore(name);
        }
      }
      // Of each form its photo, its size, and what it is kept for (`group`) since when (`used`); of one that came
      // ahead, when the photo was taken.
      const held = notes.createObjectStore('held', { keyPath: 'address' });
      held.createIndex('order', ['group', 'used']);
      held.createIndex('photo', 'id');
      held.createIndex('coming', 'coming');
      // Photos that a person keeps here: their forms stay.
      notes.createObjectStore('kept');
      if (!notes.objectStoreNames.contains('chosen')) {
        notes.createObjectStore('chosen');
      }
    };
    opening.onsuccess = () => {
      opening.result.onversionchange = () => opening.result.close();
      resolve(opening.result);
    };
    opening.onerror = () => reject(opening.error);
  });
  // The next one tries again.
  opened.catch(() => (opened = undefined));
  return opened;
}

// What a step in the notes answers, once what it wrote stands there.
async function inNotes(mode, step) {
  const transaction = (await database()).transaction(['held', 'kept', 'chosen'], mode);
  const [held, kept, chosen] = ['held', 'kept', 'chosen'].map((name) => transaction.objectStore(name));
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const [answer] = await Promise.all([step({ held, kept, chosen }), ended]);
  return answer;
}

function got(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// What is held in all: of each kind and of each group how many forms, and their bytes.
const SUMS = ['thumbnail', 'preview', 'display', 'ahead', 'small', 'large', 'kept'];

async function sumsIn(chosen) {
  const sums = await got(chosen.get('sums'));
  return sums ?? Object.fromEntries(SUMS.map((name) => [name, { count: 0, bytes: 0 }]));
}

// Has `next` say what is noted of these forms from now on, if anything, and keeps the sums in step.
function renote(addresses, next) {
  return inNotes('readwrite', async ({ held, kept, chosen }) => {
    const sums = await sumsIn(chosen);
    const count = ({ kind, group, bytes }, sign) => {
      for (const name of [kind, group]) {
        sums[name].count += sign;
        sums[name].bytes += sign * bytes;
      }
    };
    for (const address of addresses) {
      const former = await got(held.get(address));
      const note = next(former, address);
      if (former) {
        count(former, -1);
        held.delete(address);
      }
      if (note) {
        const isKept = (await got(kept.getKey(note.id))) !== undefined;
        note.group = isKept ? 'kept' : groupOf(note);
        count(note, 1);
        held.put(note);
      }
    }
    chosen.put(sums, 'sums');
  });
}

function groupOf({ ahead, kind }) {
  if (ahead) {
    return 'ahead';
  }
  return kind === 'thumbnail' ? 'small' : 'large';
}

// The forms that have to go so that the others fit. Those of photos that a person keeps are not counted.
async function excess({ held, chosen }) {
  const [{ ahead, small, large }, budget] = [await sumsIn(chosen), await budgetIn(chosen)];
  const over = ahead.bytes + small.bytes + large.bytes - budget;
  if (over <= 0) {
    return [];
  }
  const wanted = over + ROOM_SHARE * budget;
  const ofAhead = await first(held, 'ahead', wanted);
  const left = wanted - bytesOf(ofAhead);
  const ofLarge = await first(held, 'large', Math.min(left, large.bytes - LARGER_SHARE * budget));
  const ofSmall = await first(held, 'small', left - bytesOf(ofLarge));
  const ofAnyLarge = await first(held, 'large', left - bytesOf(ofSmall));
  return [...ofAhead, ...ofSmall, ...(ofAnyLarge.length > ofLarge.length ? ofAnyLarge : ofLarge)];
}

async function budgetIn(chosen) {
  return (await got(chosen.get('budget'))) ?? BUDGET_BYTES_DEFAULT;
}

function bytesOf(some) {
  return some.reduce((sum, { bytes }) => sum + bytes, 0);
}

// The first forms of a group, until they make up so many bytes.
function first(held, group, bytes) {
  return new Promise((resolve, reject) => {
    const found = [];
    let left = bytes;
    const stepping = held.index('order').openCursor(IDBKeyRange.bound([group], [group, []]));
    stepping.onerror = () => reject(stepping.error);
    stepping.onsuccess = () => {
      const cursor = stepping.result;
      if (!cursor || left <= 0) {
        resolve(found);
        return;
      }
      found.push(cursor.value);
      left -= cursor.value.bytes;
      cursor.continue();
    };
  });
}

async function makeRoom() {
  await drop(await inNotes('readonly', excess));
}

// What is noted last goes first from the cache: a worker that is ended in between leaves notes of what is next to go.
async function drop(gone) {
  for (let start = 0; start < gone.length; start += DROPPED_AT_ONCE) {
    const some = gone.slice(start, start + DROPPED_AT_ONCE);
    await inTurn(FORMS, async () => {
      const cache = await caches.open(FORMS);
      await Promise.all(some.map(({ address }) => cache.delete(address)));
      await renote(
        some.map(({ address }) => address),
        () => undefined,
      );
    });
  }
  const count = gone.filter(({ kind }) => kind === 'thumbnail').length;
  if (count > 0) {
    await inNotes('readwrite', async ({ chosen }) => {
      chosen.put(((await got(chosen.get('dropped'))) ?? 0) + count, 'dropped');
      const library = await got(chosen.get('library'));
      if (library) {
        chosen.put({ ...library, here: Math.max(library.here - count, 0) }, 'library');
      }
    });
  }
}

let settling;

// Sees to what a worker left undone that was ended while it held a form.
function settled() {
  settling ??= inTurn(FORMS, async () => {
    const undone = await inNotes('readonly', ({ held }) => got(held.index('coming').getAllKeys()));
    for (const address of undone) {
      const isHere = await caches.match(address, { cacheName: FORMS });
      await renote([address], (note) => (isHere && note ? come(note) : undefined));
    }
  });
  return settling;
}

// Brings in thumbnails that nobody looked at yet, the first ones first, as far as they fit without anything going that
// somebody looked at. Among those that came ahead the photos taken latest stay.
async function bringAhead(photos) {
  const since = forgotten;
  const forms = photos.map(({ url, id, taken }) => {
    const { href } = new URL(url, self.location.origin);
    return { url, form: { address: href, id, kind: 'thumbnail', used: taken, ahead: true } };
  });
  const { missing, most, room, usual, earliest } = await inNotes('readonly', async ({ held, chosen }) => {
    const keys = await Promise.all(forms.map(({ form }) => got(held.getKey(form.address))));
    return { missing: forms.filter((_, at) => keys[at] === undefined), ...(await roomAhead(held, chosen)) };
  });
  const answer = { left: [], refused: [], isFull: false };
  const came = [];
  let left = room;
  let goesOn = true;
  const bring = async ({ url, form }) => {
    const fits = left >= usual || (earliest && form.used > earliest.used);
    if (!goesOn || !fits) {
      answer.isFull ||= !fits;
      answer.left.push(url);
      return;
    }
    left -= usual;
    try {
      const response = await fetch(form.address, { priority: 'low' });
      if (isForEver(response)) {
        const brought = await whole(form, response);
        left += usual - brought.bytes;
        came.push({ url, brought });
      } else if (response.ok || response.status === 404) {
        answer.refused.push(url);
      } else {
        throw new Error(`${form.address} answered ${response.status}`);
      }
    } catch {
      goesOn = false;
      answer.left.push(url);
    }
  };
  const lane = async () => {
    while (missing.length > 0) {
      await bring(missing.shift());
    }
  };
  await Promise.all(Array.from({ length: AHEAD_AT_ONCE }, lane));
  try {
    await hold(
      came.map(({ brought }) => brought),
      since,
    );
  } catch {
    // A full disk.
    answer.left.push(...came.map(({ url }) => url));
  }
  await drop(await inNotes('readonly', ({ held, chosen }) => beyond(most, held, chosen)));
  return answer;
}

// How many bytes may come ahead at most, how many more than there are, what a thumbnail usually takes, and the one
// that goes first.
async function roomAhead(held, chosen) {
  const [{ ahead, small, large }, budget] = [await sumsIn(chosen), await budgetIn(chosen)];
  const beside = small.bytes + Math.max(large.bytes, (LARGER_SHARE - ROOM_SHARE) * budget);
  // What is here already stays, until what somebody looks at needs its room.
  const most = Math.max((1 - ROOM_SHARE) * budget - beside, ahead.bytes);
  const usual = ahead.count > 0 ? ahead.bytes / ahead.count : THUMBNAIL_BYTES;
  const [earliest] = await first(held, 'ahead', 1);
  return { most, room: most - ahead.bytes, usual, earliest };
}

// What came ahead beyond so many bytes, as far as it is wholly beyond: what came just now would be asked for again.
async function beyond(most, held, chosen) {
  const { ahead } = await sumsIn(chosen);
  const some = await first(held, 'ahead', ahead.bytes - most);
  if (bytesOf(some) > ahead.bytes - most) {
    some.pop();
  }
  return some;
}

// The addresses of thumbnails that are here, a page at a time.
async function listed(after) {
  const range = after && IDBKeyRange.lowerBound(after, true);
  const addresses = await inNotes('readonly', ({ held }) => got(held.getAllKeys(range, LISTED_AT_ONCE)));
  const next = addresses.length < LISTED_AT_ONCE ? null : addresses.at(-1);
  return { next, thumbnails: addresses.filter((address) => address.includes('/thumbnail?')) };
}

// Photos whose forms stay are other ones: whose forms were loose so far, or are from now on.
async function keepFormsOf(ids) {
  const changed = await inNotes('readwrite', async ({ held, kept }) => {
    const [former, now] = [new Set(await got(kept.getAllKeys())), new Set(ids)];
    const others = [...former].filter((id) => !now.has(id)).concat(ids.filter((id) => !former.has(id)));
    kept.clear();
    now.forEach((id) => kept.put(1, id));
    const forms = await Promise.all(others.map((id) => got(held.index('photo').getAllKeys(id))));
    return forms.flat();
  });
  await renote(changed, (note) => note && { ...note });
}

async function forgetAll() {
  await inTurn(FORMS, async () => {
    forgotten += 1;
    await caches.delete(FORMS);
    await inNotes('readwrite', (stores) => Object.values(stores).forEach((store) => store.clear()));
  });
}

// What the page wants of the smaller forms: it is told what is here then.
async function wished({ forms: wish, bytes, ids, isAhead, after, photos, library }) {
  await settled();
  const choose = (name, value) => inNotes('readwrite', ({ chosen }) => chosen.put(value, name));
  let more;
  switch (wish) {
    case 'budget':
      await choose('budget', bytes);
      await makeRoom();
      break;
    case 'keep':
      await keepFormsOf(ids);
      await makeRoom();
      break;
    case 'ahead':
      await choose('isAhead', isAhead);
      break;
    case 'list':
      return listed(after);
    case 'bring-ahead':
      await choose('library', library);
      more = await bringAhead(photos);
      break;
    // Thumbnails stay: without them a library is blank.
    case 'forget-larger':
      await drop(await inNotes('readonly', ({ held }) => first(held, 'large', Infinity)));
      break;
    case 'forget-all':
      await forgetAll();
      break;
    default:
  }
  const told = await inNotes('readonly', async ({ chosen }) => {
    const { thumbnail, preview, display } = await sumsIn(chosen);
    const [isAhead, dropped, library] = await Promise.all(
      ['isAhead', 'dropped', 'library'].map((name) => got(chosen.get(name))),
    );
    const budget = await budgetIn(chosen);
    return { thumbnail, preview, display, budget, isAhead: isAhead ?? true, dropped: dropped ?? 0, library };
  });
  return { ...told, ...more };
}

// One after the other, also where two workers overlap: nothing is dropped that is just being filled.
function inTurn(name, step) {
  return self.navigator.locks.request(name, step);
}

// Brings in the server's present build, unless it is here already.
function fetchSite() {
  return inTurn('sites', async () => {
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
  return inTurn('sites', async () => {
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
