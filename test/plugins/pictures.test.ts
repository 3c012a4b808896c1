import { describe, expect, test } from "vitest";
import { pictureIn } from "../../plugins/shared/pictures.ts";

/** Bytes that are no text, the same in every run. */
const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 255);
const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), noise(4096)]);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const among = (words: Uint8Array): string => base64(Buffer.concat([PNG.subarray(0, 2000), words, PNG.subarray(2000)]));

describe("pictureIn()", () => {
  test.each<[string, number[]]>([
    ["PNG", [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]],
    ["JPEG", [0xff, 0xd8, 0xff, 0xe0]],
    ["GIF", [...Buffer.from("GIF89a")]],
    ["WebP", [...Buffer.from("RIFF"), 9, 8, 7, 6, ...Buffer.from("WEBP")]],
    ["MP4", [0, 0, 0, 0x20, ...Buffer.from("ftypisom")]],
    ["PDF", [...Buffer.from("%PDF-1.7\n")]],
    ["Ogg", [...Buffer.from("OggS")]],
    ["Matroska", [0x1a, 0x45, 0xdf, 0xa3]],
    ["FLAC", [...Buffer.from("fLaC")]],
    ["BMP", [...Buffer.from("BM"), 0x36, 0x10, 0x0e]],
  ])("finds the bytes of %s", (_kind, head) => {
    const bytes = Buffer.concat([Buffer.from(head), noise(2048)]);
    expect(Buffer.from(pictureIn(base64(bytes))?.bytes ?? []).equals(bytes)).toBe(true);
    expect(Buffer.from(pictureIn(`data:a/b;base64,${base64(bytes)}`)?.bytes ?? []).equals(bytes)).toBe(true);
  });

  test.each<[string, string]>([
    ["short", base64(PNG.subarray(0, 300))],
    ["of no known kind", base64(noise(4096))],
    ["valid UTF-8", base64(Buffer.from(`GIF89a ${"plain words ".repeat(90)}`))],
    ["no whole base64", `${base64(PNG)} hunter2`],
    ["broken by white space", base64(PNG).replaceAll(/.{76}/g, "$&\n")],
    ["a data: URL of another encoding", `data:image/png,${base64(PNG)}`],
    ["plain words", "plain words ".repeat(90)],
  ])("finds none in what is %s", (_what, text) => {
    expect(pictureIn(text)).toBeUndefined();
  });

  test("says nothing of a picture in which nothing can be read", () => {
    expect(pictureIn(base64(PNG))?.said).toBe("");
  });

  test.each<[string, string]>([
    ["words among its bytes", among(Buffer.from("the key is hunter2, keep it"))],
    ["words one byte on", among(Buffer.from("\x01the key is hunter2, keep it"))],
    ["words two bytes on", among(Buffer.from("\x01\x02the key is hunter2, keep it"))],
    ["words as UTF-16", among(Buffer.from("the key is hunter2, keep it", "utf16le"))],
    ["words in other letters", among(Buffer.from("ключ это hunter2, храни его"))],
    ["words at its end", base64(Buffer.concat([PNG, Buffer.from("is hunter2")]))],
    ...[1, 2, 3].map((bits): [string, string] => [
      `words that begin ${bits} characters on`,
      `${base64(PNG.subarray(0, 1536)).slice(0, -bits)}${base64(Buffer.from("the key is hunter2, keep it!!"))}${
        base64(noise(1536))
      }`
        .replaceAll("=", "").replace(/^((?:.{4})*).*$/s, "$1"),
    ]),
    [
      "words in its own letters",
      `${base64(PNG).slice(0, 2048)}${"thekeyis/hunter2/keepitand".repeat(20).slice(0, 512)}${base64(noise(384))}`,
    ],
    ["its media type", `data:image/hunter2;base64,${base64(PNG)}`],
  ])("says %s", (_what, text) => {
    expect(pictureIn(text)?.said).toContain("hunter2");
  });
});
