// Starts the app.
import init, { mount } from './cloudstead.js';

const folder = new URL('.', import.meta.url).pathname;
// For as long as the page is open the service worker keeps the files of this build.
navigator.locks?.request(folder, { mode: 'shared' }, () => new Promise(() => {}));
await init();
mount(folder);
