// JPEGs with a date, of different shapes, to take into a library of photos.

import type { Page } from "@playwright/test";

export type Photograph = { name: string; mimeType: string; buffer: Buffer };

const SHAPES: [number, number][] = [
  [600, 400],
  [400, 600],
  [500, 500],
  [900, 400],
  [640, 480],
];

/** When the first of them was taken. */
export const LATEST = Date.UTC(2024, 4, 20, 18, 0);

/**
 * `count` photographs, three or four a day, the latest first, of one shape after the other; the same in every run but for
 * what the browser's encoder does.
 */
export async function photographs(page: Page, count: number, latest = LATEST, shapes = SHAPES): Promise<Photograph[]> {
  const made: string[] = await page.evaluate(
    async ([count, shapes]) => {
      const pictures: string[] = [];
      for (let number = 0; number < count; number++) {
        const [width, height] = shapes[number % shapes.length]!;
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext("2d")!;
        const sky = context.createLinearGradient(0, 0, 0, height);
        sky.addColorStop(0, `hsl(${(number * 37) % 360} 60% 70%)`);
        sky.addColorStop(1, `hsl(${(number * 37 + 50) % 360} 50% 30%)`);
        context.fillStyle = sky;
        context.fillRect(0, 0, width, height);
        context.fillStyle = "rgb(255 255 255 / 70%)";
        context.font = `${height / 4}px sans-serif`;
        context.fillText(String(number), width / 3, height * 0.6);
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
        const bytes = new Uint8Array(await blob.arrayBuffer());
        let text = "";
        for (const byte of bytes) text += String.fromCharCode(byte);
        pictures.push(btoa(text));
      }
      return pictures;
    },
    [count, shapes] as const,
  );
  return made.map((picture, number) => {
    const at = new Date(latest - number * 7 * 3_600_000);
    const buffer = withDate(Buffer.from(picture, "base64"), at);
    return { name: `IMG_${String(number).padStart(4, "0")}.jpg`, mimeType: "image/jpeg", buffer };
  });
}

/** Puts an Exif block with DateTime behind the JPEG's first marker. */
function withDate(jpeg: Buffer, at: Date): Buffer {
  const text = at.toISOString().slice(0, 19).replace("T", " ").replaceAll("-", ":") + "\0";
  // Big-endian TIFF: one directory of one entry, DateTime, whose text follows it.
  const tiff = Buffer.alloc(8 + 2 + 12 + 4);
  tiff.write("MM\0\x2A", 0, "latin1");
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(1, 8);
  tiff.writeUInt16BE(0x0132, 10);
  tiff.writeUInt16BE(2, 12);
  tiff.writeUInt32BE(text.length, 14);
  tiff.writeUInt32BE(tiff.length, 18);
  const exif = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff, Buffer.from(text, "latin1")]);
  const marker = Buffer.from([0xff, 0xe1, 0, 0]);
  marker.writeUInt16BE(exif.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), marker, exif, jpeg.subarray(2)]);
}
