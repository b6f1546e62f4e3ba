// One small file of every kind that the app shows in its own way.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { deflateSync, crc32 } from "node:zlib";

import type { Page } from "@playwright/test";

export type Specimen = { name: string; mimeType: string; bytes: Uint8Array };

type Colour = [number, number, number];

/** Hills under an evening sky. */
export function picture(width: number, height: number, sky: [Colour, Colour], hills: Colour[]): Uint8Array {
  const rows = Buffer.alloc(height * (1 + width * 3));
  const ridge = (hill: number, x: number) =>
    height * (0.45 + 0.16 * hill + 0.07 * Math.sin(x / (width / (5 - hill)) + hill * 2) + 0.03 * Math.sin((x * 9) / width));
  for (let y = 0; y < height; y++) {
    const start = y * (1 + width * 3);
    for (let x = 0; x < width; x++) {
      const behind = hills.findLastIndex((_, hill) => y > ridge(hill, x));
      const down = y / height;
      const colour = behind < 0 ? sky[0].map((from, part) => from + (sky[1][part]! - from) * down * 1.6) : hills[behind]!;
      for (let part = 0; part < 3; part++) rows[start + 1 + x * 3 + part] = Math.max(0, Math.min(255, colour[part]!));
    }
  }
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits a channel, in RGB.
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** A page with a heading and a few lines. */
function pdf(title: string, lines: string[]): Uint8Array {
  const text = lines.map((line) => `(${line}) Tj T*`).join("\n");
  const content = `BT /F1 26 Tf 72 720 Td (${title}) Tj /F1 12 Tf 0 -40 Td 18 TL\n${text}\nET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  let out = "%PDF-1.4\n";
  const places = objects.map((object, index) => {
    const place = out.length;
    out += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const table = out.length;
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  for (const place of places) out += `${String(place).padStart(10, "0")} 00000 n \n`;
  out += `trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return Buffer.from(out, "latin1");
}

/** A second of a tone. */
function wav(): Uint8Array {
  const rate = 8_000;
  const out = Buffer.alloc(44 + rate);
  out.write("RIFF", 0, "latin1");
  out.writeUInt32LE(36 + rate, 4);
  out.write("WAVEfmt ", 8, "latin1");
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(rate, 24);
  out.writeUInt32LE(rate, 28);
  out.writeUInt16LE(1, 32);
  out.writeUInt16LE(8, 34);
  out.write("data", 36, "latin1");
  out.writeUInt32LE(rate, 40);
  for (let at = 0; at < rate; at++) out[44 + at] = 128 + 60 * Math.sin((at * 440 * 2 * Math.PI) / rate);
  return out;
}

/** A second of film, recorded by the browser itself. */
export async function film(page: Page): Promise<Specimen> {
  const base64 = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 360];
    const draw = canvas.getContext("2d")!;
    const parts: Blob[] = [];
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
    recorder.ondataavailable = (event) => parts.push(event.data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    for (let frame = 0; frame < 25; frame++) {
      const sky = draw.createLinearGradient(0, 0, 0, 360);
      sky.addColorStop(0, "#1c2b4a");
      sky.addColorStop(1, "#e59a6f");
      draw.fillStyle = sky;
      draw.fillRect(0, 0, 640, 360);
      draw.fillStyle = "#ffe9c9";
      draw.beginPath();
      draw.arc(120 + frame * 12, 210 - frame * 4, 36, 0, 7);
      draw.fill();
      await new Promise((resolve) => requestAnimationFrame(resolve));
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
  });
  return { name: "Sunrise.webm", mimeType: "video/webm", bytes: Buffer.from(base64, "base64") };
}

/** Seconds of film as phones take them: an MP4 that says when. */
export async function clip(name: string, at: Date, seconds: number): Promise<Specimen> {
  const folder = await mkdtemp(join(tmpdir(), "cloudstead-clip-"));
  const [path, picture] = [join(folder, "clip.mp4"), `testsrc=size=640x360:rate=25:duration=${seconds}`];
  const coded = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p"];
  const when = ["-metadata", `creation_time=${at.toISOString()}`];
  await promisify(execFile)("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", picture, ...coded, ...when, path]);
  const bytes = await readFile(path);
  await rm(folder, { recursive: true });
  return { name, mimeType: "video/mp4", bytes };
}

const text = (lines: string): Uint8Array => Buffer.from(lines, "utf8");

export const SPECIMENS: Specimen[] = [
  {
    name: "Lake in the evening.png",
    mimeType: "image/png",
    bytes: picture(960, 640, [[34, 52, 92], [246, 178, 132]], [[104, 96, 128], [66, 68, 102], [34, 40, 66]]),
  },
  {
    name: "Morning ridge.png",
    mimeType: "image/png",
    bytes: picture(960, 640, [[120, 178, 222], [250, 232, 204]], [[150, 176, 184], [92, 132, 134], [46, 84, 80]]),
  },
  {
    name: "Contract.pdf",
    mimeType: "application/pdf",
    bytes: pdf("Rental agreement", ["between the owner of the house", "and the people who live in it.", "", "1. The garden is for everyone."]),
  },
  { name: "Voice memo.wav", mimeType: "audio/wav", bytes: wav() },
  {
    name: "Packing list.md",
    mimeType: "text/markdown",
    bytes: text(
      "# Packing list\n\nFor **two weeks** in the mountains; see the [map](https://example.org/map).\n\n- [x] Boots\n- [x] Rain jacket\n- [ ] Camera\n- [ ] Head torch\n\n## On the way\n\n1. Bread and cheese\n2. Water, *two litres* each\n\n> Leave before seven: the pass is quiet then.\n\n```\ntent, poles, pegs\n```\n",
    ),
  },
  {
    name: "Letter to Ben.txt",
    mimeType: "text/plain",
    bytes: text("Dear Ben,\n\nthe photographs from the lake have arrived, and they are all here.\nCome by when you like.\n\nAnn\n"),
  },
  {
    name: "tides.rs",
    mimeType: "text/x-rust",
    bytes: text(
      "//! When the water is high.\n\nuse std::time::Duration;\n\n/// From one high water to the next.\npub const PERIOD: Duration = Duration::from_secs(44_714);\n\npub fn next(last: Duration) -> Duration {\n    last + PERIOD\n}\n",
    ),
  },
  { name: "Household.csv", mimeType: "text/csv", bytes: text("month,rent,food\nJanuary,900,412\nFebruary,900,388\nMarch,900,405\n") },
  { name: "Holiday plan.pptx", mimeType: "application/vnd.ms-powerpoint", bytes: Buffer.alloc(48_200, 3) },
  { name: "Old letters.zip", mimeType: "application/zip", bytes: Buffer.alloc(182_000, 5) },
];
