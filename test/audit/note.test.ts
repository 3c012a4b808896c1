import { describe, expect, test } from "vitest";
import { checkpointText, readCheckpoint } from "../../src/audit/checkpoint.ts";
import { isSignedBy, type Note, readNote, readVkey, signNote, vkeyOf } from "../../src/audit/note.ts";
import { createAuditKey } from "sallyport/audit";
import { theKey } from "./helpers.ts";

// What others have published: the example of Go's package note, that of another implementation, and what the checksum
// database of Go has signed, which the specification of checkpoints shows under another name.
const PETER = {
  vkey: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  seed: "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  line:
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
};
const GO = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const PUBLISHED: readonly (readonly [vkey: string, note: string])[] = [
  [PETER.vkey, `${PETER.text}\n${PETER.line}`],
  [
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
  ],
  [
    GO,
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n",
  ],
  [
    GO,
    "go.sum database tree\n15067302\ngJyioq6dwR9n+NjEWORfYmH+ubeYm3kH42BBQ0bTpYI=\n\n\u2014 sum.golang.org Az3grp1rvWOs5NKlr/xR4GLN/CDyzzakmt1o61uSxYKpK1SerqOP2ClbX/peKUZjYnyomH5Xz7GZG3TpB7OeKn4E2ww=\n\u2014 test.example.com qTGhC/xIPQ0AXKHK6Y+9ypRfuvMZWPjRXM8NiOg5M1WREn07VQXyuIXM3NRNav3ieVFLUqDRK77PWDmL6w8w84UqeAw=\n",
  ],
];
const QUASIMODO =
  "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n\n\u2014 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
const SOFA =
  "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

const verifierOf = (vkey: string): ReturnType<typeof readVkey> => readVkey("test()", "key", vkey);

/** The key that the published seed stands for, as WebCrypto takes it. */
async function peter(): Promise<CryptoKeyPair> {
  const raw = Uint8Array.from(atob(PETER.seed), (char) => char.charCodeAt(0)).slice(1);
  const head = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);
  const encoded = Uint8Array.from([...head, ...raw]);
  const publicKey = Uint8Array.from(atob(PETER.vkey.split("+").slice(2).join("+")), (char) => char.charCodeAt(0)).slice(
    1,
  );
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", encoded, { name: "Ed25519" }, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, true, ["verify"]),
  };
}

describe("published notes", () => {
  test.each(PUBLISHED)("are verified with %s, and not once a letter is another", async (vkey, text) => {
    const note = readNote(text) as Note;
    const verifier = await verifierOf(vkey);
    expect(await isSignedBy(note, [verifier])).toBe(true);
    expect(await isSignedBy({ ...note, text: note.text.replace("a", "b") }, [verifier])).toBe(false);
    expect(await isSignedBy(note, [])).toBe(false);
  });

  test("are written to the letter, with the published key", async () => {
    const key = await createAuditKey("PeterNeumann", await peter());
    expect(key.vkey).toBe(PETER.vkey);
    expect(await signNote(PETER.text, [key])).toBe(`${PETER.text}\n${PETER.line}`);
  });

  test("are read, the text with an empty line too", () => {
    const note = readNote(QUASIMODO) as Note;
    expect(note.text.split("\n")).toHaveLength(5);
    expect(note.signatures.map(({ name, id }) => [name, id])).toEqual([["quasimodo.example/salvatore", "367ba04b"]]);
  });

  test("that are checkpoints have origin, size and root", () => {
    const { origin, size, root } = readCheckpoint(SOFA) as NonNullable<ReturnType<typeof readCheckpoint>>;
    expect([origin, size, root]).toEqual([
      "example.com/behind-the-sofa",
      20852163,
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    ]);
    expect(SOFA.startsWith(checkpointText(origin, size, root))).toBe(true);
  });
});

describe("readNote() refuses", () => {
  const line = PETER.line;
  test.each([
    ["no line end", `${PETER.text}\n${line.trimEnd()}`],
    ["no empty line", `${PETER.text}${line}`],
    ["a control character", `a\tb\n\n${line}`],
    ["a carriage return", `${PETER.text}\r\n\n${line}`],
    ["a line that is no signature", `${PETER.text}\n${line}hello\n`],
    ["a hyphen for the dash", `${PETER.text}\n${line.replace("\u2014", "-")}`],
    ["a name with a plus", `${PETER.text}\n${line.replace("PeterNeumann", "Peter+Neumann")}`],
    ["base64 of another form", `${PETER.text}\n${line.replace("nAM=", "nAN=")}`],
    ["base64 without padding", `${PETER.text}\n${line.replace("nAM=", "nAM")}`],
    ["half a surrogate pair", `\ud800\n\n${line}`],
    ["more signatures than anybody needs", `${PETER.text}\n${line.repeat(65)}`],
    ["what is no text", 5],
  ])("%s", (_, text) => {
    expect(readNote(text)).toBeUndefined();
  });
});

describe("isSignedBy()", () => {
  test("passes over signatures of unknown keys, and refuses a wrong one of a known key", async () => {
    const key = await theKey();
    const other = await createAuditKey("example.com/other");
    const known = await verifierOf(key.vkey);
    const both = readNote(await signNote("text\n", [key, other])) as Note;
    expect(await isSignedBy(both, [known])).toBe(true);
    const forged = { ...both.signatures[0], signature: (both.signatures[1] as Note["signatures"][0]).signature };
    const wrong: Note = { text: both.text, signatures: [...both.signatures, forged as Note["signatures"][0]] };
    expect(await isSignedBy(wrong, [known])).toBe(false);
  });

  test("takes neither the same name with another key, nor a note without signatures", async () => {
    const [one, same] = [await theKey(), await createAuditKey("example.com/audit")];
    const note = readNote(await signNote("text\n", [same])) as Note;
    expect(await isSignedBy(note, [await verifierOf(one.vkey)])).toBe(false);
    const bare = readNote(await signNote("text\n", [])) as Note;
    expect(bare.signatures).toEqual([]);
    expect(await isSignedBy(bare, [await verifierOf(one.vkey)])).toBe(false);
  });
});

describe("readVkey() refuses", () => {
  const small = new Uint8Array(32);
  test.each([
    ["another id", PETER.vkey.replace("c74f20a3", "c74f20a4")],
    ["another name", PETER.vkey.replace("Peter", "Paul")],
    ["another algorithm", PETER.vkey.replace("+ARpc", "+AhpC")],
    ["no key", "PeterNeumann+c74f20a3"],
    ["what is no text", undefined],
  ])("%s", async (_, vkey) => {
    await expect(verifierOf(vkey as string)).rejects.toThrow(TypeError);
  });

  test("a key of small order, with which one signature fits every text", async () => {
    await expect(verifierOf(await vkeyOf("weak", small))).rejects.toThrow(TypeError);
  });
});

describe("readCheckpoint() refuses", () => {
  const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  test.each([
    ["a size with a zero before", `o\n01\n${root}\n\n`],
    ["a size below zero", `o\n-1\n${root}\n\n`],
    ["a size beyond whole numbers", `o\n9007199254740993\n${root}\n\n`],
    ["a root that is no hash", "o\n1\nAAAA\n\n"],
    ["no root", "o\n1\n\n"],
    ["an empty line before the end", `o\n1\n${root}\n\nx\n\n`],
    ["no origin", `\n1\n${root}\n\n`],
  ])("%s", (_, text) => {
    expect(readCheckpoint(text)).toBeUndefined();
  });

  test("nothing that the format allows: no entries, and further lines", () => {
    expect(readCheckpoint(`o\n0\n${root}\n\n`)?.size).toBe(0);
    expect(readCheckpoint(`o\n1\n${root}\nmore\n\n`)?.size).toBe(1);
  });
});
