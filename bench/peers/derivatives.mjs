// sharp (libvips) making what the server makes of photos: `make SOURCE FOLDER COUNT` writes different photos of
// the source's size, `run THREADS PARALLEL FILE…` makes three sizes of each and prints what that took.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const JPEG = { quality: 82, chromaSubsampling: '4:2:0', optimiseCoding: true };
const SIDES = [2048, 1024, 200];

async function make(source, folder, count) {
  for (let number = 0; number < count; number += 1) {
    let picture = sharp(source).modulate({ brightness: 0.8 + 0.05 * number, saturation: 0.9 + 0.04 * number });
    if (number & 1) picture = picture.flop();
    if (number & 2) picture = picture.flip();
    // What a camera writes: fine, with fewer colours than details.
    await picture.jpeg({ quality: 95, chromaSubsampling: '4:2:0' }).toFile(join(folder, `${number}.jpg`));
  }
}

/// Shrinks while loading, then each size from the next larger.
async function derive(file) {
  let picture = sharp(await readFile(file)).autoOrient();
  const encoded = [];
  for (const side of SIDES) {
    const resized = picture.resize(side, side, { fit: 'inside', withoutEnlargement: true });
    const { data, info } = await resized.raw().toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: info.channels };
    encoded.push(sharp(data, { raw }).jpeg(JPEG).toBuffer());
    picture = sharp(data, { raw });
  }
  return Promise.all(encoded);
}

async function run(threads, parallel, files) {
  sharp.cache(false);
  sharp.concurrency(threads);
  await derive(files[0]);
  const begin = performance.now();
  const used = process.cpuUsage();
  let bytes = 0;
  const waiting = [...files];
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      for (const encoded of await derive(file)) bytes += encoded.length;
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(used);
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ seconds, cpu_seconds: (user + system) / 1e6, bytes, peak_bytes: peak }));
}

const [task, ...rest] = process.argv.slice(2);
if (task === 'make') await make(rest[0], rest[1], Number(rest[2]));
else await run(Number(rest[0]), Number(rest[1]), rest.slice(2));
