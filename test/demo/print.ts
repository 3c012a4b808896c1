/** One decision, or one report beside the decisions, as a line shows it. */
export interface Line {
  readonly type: "decision" | "drift";
  readonly stage: string;
  readonly name: string;
  readonly callId: string;
  readonly effect: string;
  readonly code: string;
  readonly reason: string;
  readonly us: number;
}

/** Whether the demo really showed what it promises. */
export interface Summary {
  readonly type: "summary";
  readonly cases: Readonly<Record<string, boolean>>;
  readonly decisions: number;
  readonly ms: number;
}

const COLOURS: Readonly<Record<string, number>> = { allow: 32, transform: 36, escalate: 33, deny: 31, drift: 35 };
const NAMES: readonly (readonly [heading: string, width: number])[] = [["stage", 16], ["name", 15], ["effect", 10], [
  "code",
  24,
], ["us", 8]];

/** Prints lines as a table or as JSON; on a terminal, with colour and a line that tells how far the demo is. */
export class Printer {
  readonly #isJson: boolean;
  readonly #hasColour: boolean;
  readonly #began: number = performance.now();
  #count = 0;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
    this.#hasColour = process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
  }

  heading(): void {
    if (!this.#isJson) {
      this.#out(
        `${
          NAMES.map(([heading, width]) => (heading === "us" ? heading.padStart(width) : heading.padEnd(width))).join(
            " ",
          )
        }  reason`,
      );
    }
  }

  line(line: Line): void {
    if (line.type === "decision") this.#count++;
    if (this.#isJson) return this.#out(JSON.stringify(line));
    const cells = NAMES.map(([heading, width]) => {
      const value = String(line[heading as keyof Line]);
      const cell = heading === "us" ? value.padStart(width) : value.padEnd(width);
      return heading === "effect" && this.#hasColour ? `\x1b[${COLOURS[value] ?? 0}m${cell}\x1b[0m` : cell;
    });
    this.#out(`${cells.join(" ")}  ${line.reason}`.trimEnd());
  }

  /** The last lines; answers whether all cases were shown. */
  summary(cases: Readonly<Record<string, boolean>>): boolean {
    const summary: Summary = {
      type: "summary",
      cases,
      decisions: this.#count,
      ms: Math.round(performance.now() - this.#began),
    };
    if (this.#isJson) this.#out(JSON.stringify(summary));
    else {
      this.#out(`\n${summary.decisions} decisions in ${summary.ms} ms`);
      for (const [name, isShown] of Object.entries(cases)) this.#out(`${isShown ? "shown  " : "MISSING"} ${name}`);
    }
    return Object.values(cases).every(Boolean);
  }

  /** Says on a terminal what is going on; what is printed next takes its place. */
  progress(what: string): void {
    if (process.stderr.isTTY === true) {
      process.stderr.write(`\r\x1b[K${what === "" ? "" : `${what} (${this.#count} decisions)`}`);
    }
  }

  #out(text: string): void {
    this.progress("");
    process.stdout.write(`${text}\n`);
  }
}
