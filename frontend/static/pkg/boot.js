// Starts the app.
import init, { mount } from './cloudstead.js';

await init();
mount();
