import { compare, type Read, type Said } from "./compare.ts";
import type { Findings } from "./findings.ts";
import { areSameHashes, type Hash, type Hasher } from "./hash.ts";
import type { Kept } from "./kept.ts";
import { type Header, readHeader, readSeal, type Seal } from "./line.ts";
import { isSignedBy, type Verifier } from "./note.ts";
import { isRecord, type Line } from "./read.ts";
import { append, EMPTY, type Frontier, rootOf } from "./tree.ts";
import { readCheckpoint } from "./checkpoint.ts";
import type { AuditVerification } from "./types.ts";

/** More lines than any batch has: beyond them nothing is kept of lines without a checkpoint. */
const MOST_OPEN = 40_000;
/** How many of the last checkpoints are remembered, to tell a copy of one from another history. */
const REMEMBERED = 64;

/** What a log is verified against. */
export interface Expected {
  readonly keys: readonly Verifier[] | undefined;
  readonly origin: string | undefined;
  readonly part: boolean;
  readonly open: boolean;
  readonly findings: Findings;
  readonly kept: Kept;
  readonly hasher: Hasher;
}

/** One walk through a log, line by line. */
export class Walk {
  readonly #expected: Expected;
  #origin: string | undefined;
  #hasBegun = false;
  /** The tree as far as it is proven. */
  #tree: Frontier = EMPTY;
  #checkpoint: string | undefined;
  /** Lines since the last checkpoint that counts, and those before a header that came meanwhile. */
  #lines: Read[] = [];
  #aside: Read[] = [];
  /** A header in the middle, of which no entry has told yet. */
  #header: number | undefined;
  /** The file began after the log's beginning, of which an entry may tell. */
  #isLater = false;
  /** What is no checkpoint though it begins like one: torn if a header comes next. */
  #suspect: Line | undefined;
  /** A checkpoint that did not count came since the last that did: the gap that it leaves was named. */
  #isGapNamed = false;
  readonly #recent: { from: number; root: Hash }[] = [];
  #entries = 0;
  #missing = 0;
  #unsealed = 0;
  #isClosed = false;
  #seals = 0;
  #signed = 0;
  #clockSteps = 0;
  #time = -Infinity;

  constructor(expected: Expected) {
    this.#expected = expected;
    this.#origin = expected.origin;
  }

  /** An entry, or what stands where one should. */
  entry(line: Line, hash: Hash): void {
    this.#begin(line);
    this.#nameSuspect();
    this.#lines.push({ hash, line: line.number, said: saidOf(line.text), isTorn: line.isTorn });
    if (this.#lines.length > MOST_OPEN) this.#nameUnsealed(this.#lines.splice(0), false);
  }

  /** Begins a file. */
  async header(line: Line): Promise<void> {
    const { findings } = this.#expected;
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (!isFirst && this.#suspect !== undefined) {
      findings.add("torn", "A checkpoint ends in the middle", { line: this.#suspect.number });
      this.#suspect = undefined;
      this.#isGapNamed = true;
    }
    const header = readHeader(line.text);
    if (header === undefined || !(await this.#isGenuine(header))) {
      if (line.isTorn) findings.add("torn", "A header ends in the middle", { line: line.number });
      else findings.add("forged", "A header is not the log's own", { line: line.number });
      return;
    }
    this.#origin ??= header.origin;
    if (header.origin !== this.#origin) {
      findings.add("forked", "The file is of another log", { line: line.number });
      this.#origin = header.origin;
    }
    if (isFirst) return this.#beginAt(header);
    if (this.#header !== undefined) this.#nameHeader();
    this.#header = line.number;
    if (header.from < this.#tree.size || (header.from === this.#tree.size && !this.#goesOn(header))) {
      findings.add("inserted", "A header does not go on from what is before it", { line: line.number });
      this.#header = undefined;
      return;
    }
    this.#nameUnsealed(this.#aside.splice(0), true);
    this.#aside = this.#lines.splice(0);
    if (header.from > this.#tree.size) {
      this.#lose(header.from - 1, line.number);
      this.#nameUnsealed(this.#aside.splice(0), true);
      this.#tree = { size: header.from, stack: header.stack };
      this.#checkpoint = header.checkpoint;
    }
  }

  #beginAt(header: Header): void {
    const { part, findings, kept } = this.#expected;
    if (header.from === 0) return;
    if (!part) {
      this.#missing += header.from;
      findings.add("missing", "The files before this one are not there", { seq: 0, to: header.from - 1 });
    }
    kept.begin(header.from);
    this.#isLater = true;
    this.#tree = { size: header.from, stack: header.stack };
    this.#checkpoint = header.checkpoint;
  }

  #goesOn(header: Header): boolean {
    return header.checkpoint === this.#checkpoint && areSameHashes(header.stack, this.#tree.stack);
  }

  /** Whether a header's tree is the one of its checkpoint, and that is signed. */
  async #isGenuine({ from, checkpoint: text, stack, origin }: Header): Promise<boolean> {
    if (text === undefined) return true;
    const checkpoint = readCheckpoint(text);
    if (checkpoint === undefined || checkpoint.size !== from || checkpoint.origin !== origin) return false;
    const { keys, hasher } = this.#expected;
    if (await rootOf({ size: from, stack }, hasher) !== checkpoint.root) return false;
    return keys === undefined || await isSignedBy(checkpoint.note, keys);
  }

  /** Ends a batch. */
  async seal(line: Line): Promise<void> {
    const { findings, keys, hasher } = this.#expected;
    this.#begin(line);
    this.#nameSuspect();
    const seal = readSeal(line.text);
    if (seal === undefined) {
      this.#suspect = line;
      return;
    }
    if (line.isTorn) findings.add("torn", "The last line has no end", { line: line.number });
    const where = { seq: seal.from, to: seal.checkpoint.size - 1, line: line.number };
    const tree = await append({ size: seal.from, stack: seal.before }, seal.leaves, hasher);
    const isOfTree = areSameHashes(tree.stack, seal.stack) && await rootOf(tree, hasher) === seal.checkpoint.root;
    if (!isOfTree) return this.#refuse("A checkpoint is not of the tree beside it", where);
    this.#seals++;
    if (keys !== undefined) {
      if (!(await isSignedBy(seal.checkpoint.note, keys))) {
        return this.#refuse("A checkpoint is not signed by a known key", where);
      }
      this.#signed++;
    }
    this.#origin ??= seal.checkpoint.origin;
    if (seal.checkpoint.origin !== this.#origin) {
      this.#isGapNamed = true;
      findings.add("forked", "A checkpoint is of another log", where);
      return;
    }
    if (seal.from < this.#tree.size) return this.#passOver(seal, where);
    await this.#reach(seal, line);
    await this.#take(seal, tree, line);
  }

  #refuse(message: string, where: { seq: number; to: number; line: number }): void {
    this.#isGapNamed = true;
    this.#expected.findings.add("forged", message, where);
  }

  /** A checkpoint of entries that were sealed already: a copy, or another history. */
  #passOver(seal: Seal, where: { seq: number; to: number; line: number }): void {
    const isCopy = this.#recent.some(({ from, root }) => from === seal.from && root === seal.checkpoint.root);
    if (isCopy) this.#expected.findings.add("inserted", "A batch stands there a second time", where);
    else this.#expected.findings.add("forked", "Two checkpoints seal other entries at the same place", where);
    this.#lines = [];
  }

  /** Gets from what is proven to where a batch begins: a checkpoint or entries between them may be gone. */
  async #reach(seal: Seal, line: Line): Promise<void> {
    const { findings, keys, hasher, kept } = this.#expected;
    if (seal.from === this.#tree.size) {
      if (areSameHashes(seal.before, this.#tree.stack)) return;
      const where = { seq: 0, to: seal.from - 1, line: line.number };
      if (keys === undefined) findings.add("rebuilt", "Entries before this checkpoint are not what it seals", where);
      else findings.add("forked", "Entries before this checkpoint are of another history, and both are signed", where);
      this.#tree = { size: seal.from, stack: seal.before };
      return;
    }
    const between = this.#takeUpTo(seal.from);
    if (between.length === 0) this.#lose(seal.from - 1);
    else {
      // What is no entry at all was put in, or was the checkpoint.
      const read = between.filter(({ said }) => said !== undefined);
      const hashes = read.map(({ hash }) => hash);
      const grown = await append(this.#tree, hashes, hasher);
      const where = { seq: this.#tree.size, to: seal.from - 1 };
      if (grown.size === seal.from && areSameHashes(grown.stack, seal.before)) {
        // The next checkpoint proves them as well.
        if (!this.#isGapNamed) findings.add("missing", "A checkpoint is gone", { ...where, line: line.number });
        for (const one of between) {
          if (one.said === undefined) findings.add("inserted", "A line was never sealed", { line: one.line });
        }
        await kept.pass(this.#tree, hashes, seal.checkpoint.origin, keys !== undefined);
        this.#prove(read, this.#tree.size);
      } else {
        this.#missing += Math.max(0, seal.from - this.#tree.size - between.length);
        findings.add("changed", "Entries are not what was sealed, and their checkpoint is gone", {
          ...where,
          line: (between[0] as Read).line,
        });
      }
    }
    this.#tree = { size: seal.from, stack: seal.before };
  }

  /** Takes the lines that say that they come before an entry. */
  #takeUpTo(seq: number): Read[] {
    const end = this.#lines.findIndex(({ said }) => said !== undefined && said.seq >= seq);
    return this.#lines.splice(0, end === -1 ? Math.min(this.#lines.length, seq - this.#tree.size) : end);
  }

  /** Names the entries from here to there as gone. */
  #lose(to: number, line?: number): void {
    this.#missing += to - this.#tree.size + 1;
    this.#expected.findings.add("missing", "Entries are gone, and their checkpoint", {
      seq: this.#tree.size,
      to,
      ...(line === undefined ? {} : { line }),
    });
    // What told of a header may have been among them.
    if (line === undefined) this.#header = undefined;
  }

  /** Compares a batch, and goes on from its end. */
  async #take(seal: Seal, tree: Frontier, line: Line): Promise<void> {
    const { findings, kept, keys } = this.#expected;
    if (this.#isClosed) findings.add("forked", "The log goes on after its end", { seq: seal.from, line: line.number });
    // Lines before a header are outside, unless the header is.
    const isInside = this.#aside.length > 0 && this.#lines.length < seal.leaves.length;
    const lines = isInside ? [...this.#aside, ...this.#lines] : this.#lines;
    if (!isInside) this.#nameUnsealed(this.#aside, true);
    this.#aside = [];
    this.#lines = [];
    const { proven, missing } = compare(lines, seal.leaves, seal.from, findings);
    this.#missing += missing;
    await kept.pass(this.#tree, seal.leaves, seal.checkpoint.origin, keys !== undefined);
    this.#prove(proven, proven.length === seal.leaves.length ? seal.from : undefined);
    const last = proven.at(-1)?.said;
    this.#isClosed = last?.event === "closed" && last.seq === tree.size - 1;
    this.#tree = tree;
    this.#checkpoint = seal.text;
    this.#isGapNamed = false;
    this.#recent.push({ from: seal.from, root: seal.checkpoint.root });
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
  }

  /** Takes entries as proven; with `from`, they stand one behind the other. */
  #prove(lines: readonly Read[], from: number | undefined): void {
    const { findings } = this.#expected;
    this.#entries += lines.length;
    lines.forEach(({ said, line }, at) => {
      if (said === undefined || (from !== undefined && said.seq !== from + at)) {
        const where = from === undefined ? { line } : { seq: from + at, line };
        findings.add("unreadable", "An entry was sealed that is none, or not of this place", where);
        return;
      }
      if (said.timestamp !== null) {
        if (said.timestamp < this.#time) this.#clockSteps++;
        this.#time = said.timestamp;
      }
      if (said.event !== undefined) this.#tell(said, line);
    });
  }

  /** What the log says of itself. */
  #tell({ event, seq, count }: Said, line: number): void {
    const { findings } = this.#expected;
    if (event === "dropped") {
      const message = `The log says that entries were lost before this one: ${count ?? "some"}`;
      findings.add("missing", message, { seq, line });
    } else if (event === "resumed" || event === "rotated") {
      if (this.#header === undefined && !this.#isLater) findings.add("missing", "A header is gone", { seq, line });
      this.#header = undefined;
      this.#isLater = false;
    }
  }

  #begin(line: Line): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#expected.findings.add("missing", "The file does not begin with a header", { line: line.number });
  }

  #nameSuspect(): void {
    if (this.#suspect === undefined) return;
    this.#refuse("A checkpoint is not as it was written", {
      seq: this.#tree.size,
      to: this.#tree.size,
      line: this.#suspect.number,
    });
    this.#suspect = undefined;
  }

  #nameHeader(): void {
    this.#expected.findings.add("inserted", "A header stands where the log did not go on", {
      line: this.#header as number,
    });
    this.#header = undefined;
  }

  /** Names lines that no checkpoint proves; `isCut`: the last one may have been cut in the middle. */
  #nameUnsealed(lines: readonly Read[], isCut: boolean): void {
    const { findings } = this.#expected;
    const whole: Read[] = [];
    lines.forEach((line, at) => {
      const isLast = isCut && at === lines.length - 1;
      if (line.said !== undefined && !line.isTorn) whole.push(line);
      else if (isLast || line.isTorn) findings.add("torn", "A line ends in the middle", { line: line.line });
      else findings.add("unreadable", "A line is no entry", { line: line.line });
    });
    this.#unsealed += lines.length;
    const [first, last] = [whole[0], whole.at(-1)];
    if (first?.said === undefined || last?.said === undefined) return;
    findings.add("unsealed", "Lines have no checkpoint", {
      seq: first.said.seq,
      to: last.said.seq,
      line: first.line,
    });
  }

  /** The log has ended. */
  async end(): Promise<void> {
    const { findings, part, open, kept } = this.#expected;
    if (this.#suspect?.isTorn === true) {
      findings.add("torn", "A checkpoint ends in the middle", { line: this.#suspect.number });
      this.#suspect = undefined;
    }
    this.#nameSuspect();
    this.#nameUnsealed(this.#aside, true);
    this.#nameUnsealed(this.#lines, false);
    if (this.#header !== undefined) this.#nameHeader();
    if (!this.#hasBegun) findings.add("missing", "There is no log");
    if (!part) {
      await kept.pass(this.#tree, [], this.#origin ?? "", this.#expected.keys !== undefined);
      kept.end(this.#tree.size);
      if (!open && !this.#isClosed) {
        findings.add("not_closed", "The log does not end with its own end", { seq: this.#tree.size });
      }
    }
  }

  get result(): AuditVerification {
    const { findings } = this.#expected;
    return Object.freeze({
      ok: findings.count === 0,
      size: this.#tree.size,
      entries: this.#entries,
      missing: this.#missing,
      unsealed: this.#unsealed,
      closed: this.#isClosed,
      signed: this.#signed > 0 && this.#signed === this.#seals,
      clockSteps: this.#clockSteps,
      ...(this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint }),
      findings: findings.list,
      findingCount: findings.count,
    });
  }
}

function saidOf(text: string): Said | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !Number.isSafeInteger(value["seq"])) return undefined;
  const { seq, timestamp, kind, event, count } = value;
  return {
    seq: seq as number,
    timestamp: typeof timestamp === "number" ? timestamp : null,
    event: kind === "log" && typeof event === "string" ? event : undefined,
    count: typeof count === "number" ? count : undefined,
  };
}
