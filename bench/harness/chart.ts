import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Figure, shown } from "./record.ts";
import type { Results } from "./results.ts";

interface Bar {
  readonly label: string;
  readonly figure: Figure;
  readonly isOurs: boolean;
}

/** What is shown: of which answer which contestants, the project's own first, and what they are called. */
interface Panel {
  readonly title: string;
  readonly note: string;
  readonly bars: readonly (readonly [answer: string, contestant: string, label: string, isOurs?: true])[];
}

const WHO = "who may call a tool, allow";
const TOOL = "a tool call with three real guards around an asynchronous tool, 200 B, nobody listening";
const LAYERS = "three layers that do nothing around an asynchronous tool, by library";
const AUDIT = "a tool call with three real guards, by who keeps what of it";
const PANELS: readonly Panel[] = [
  {
    title: "May this tool be called?",
    note: "The others judge the tool's name, or words in a text; sallyport both, in a copy of 200 B of arguments.",
    bars: [
      ["allow, 5 tools and 5 patterns, 200 B", "session.check", "sallyport session.check", true],
      ["allow, 5 tools and 5 patterns, 200 B", "fused by hand", "the same work, written by hand"],
      [WHO, "casl can", "@casl/ability can"],
      [WHO, "agent-governance-sdk evaluatePolicy, 1 rule", "@microsoft/agent-governance-sdk evaluatePolicy"],
      [WHO, "casbin enforceSync", "casbin enforceSync"],
      [WHO, "cedar-wasm, policies parsed before", "@cedar-policy/cedar-wasm"],
      [
        "a text without the words that are searched, 200 B",
        "openai guardrails, keywords",
        "@openai/guardrails, five keywords, no tools",
      ],
    ],
  },
  {
    title: "A tool call",
    note: "A list of tools, five patterns and a rate limit around an asynchronous tool.",
    bars: [
      [TOOL, "three guards, session.tool", "sallyport session.tool", true],
      [AUDIT, "session.tool, records kept", "sallyport session.tool, audit records kept", true],
      [TOOL, "await tool()", "the tool alone"],
      [TOOL, "three guards, async onion", "the same guards as async functions"],
      [AUDIT, "executeWithGovernance, its full log of 10 000", "@microsoft/agent-governance-sdk, no patterns"],
    ],
  },
  {
    title: "Composition",
    note: "Three layers that do nothing around an asynchronous tool.",
    bars: [
      [LAYERS, "all(3), await tool()", "sallyport all", true],
      [LAYERS, "await tool()", "the tool alone"],
      [LAYERS, "koa-compose, layers return next()", "koa-compose"],
      [LAYERS, "tapable bail hook, then the tool", "tapable"],
      [LAYERS, "async onion", "async functions"],
      [LAYERS, "cockatiel wrap of 3 policies", "cockatiel"],
      [LAYERS, "hookable callHook, then the tool", "hookable"],
    ],
  },
];

const WIDTH = 880;
const LEFT = 330;
const RIGHT = 90;
const ROW = 22;
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The bars of a panel, of which none may be missing: a chart that leaves out who won would lie. */
function barsOf({ bars }: Panel, results: Results): readonly Bar[] {
  return bars.map(([title, name, label, isOurs = false]) => {
    const figure = results.answers.find((answer) => answer.title === title)?.figures.find((one) => one.name === name);
    if (figure === undefined) throw new Error(`The chart needs "${name}" of "${title}"`);
    return { label, figure, isOurs };
  });
}

/** Draws headline comparisons as bars on a logarithmic axis, for light and dark pages. */
export function chartOf(results: Results): string {
  const panels = PANELS.map((panel) => ({ ...panel, bars: barsOf(panel, results) }));
  const all = panels.flatMap(({ bars }) => bars.map(({ figure }) => figure));
  const low = Math.floor(Math.log10(Math.min(...all.map((figure) => figure.median))));
  const high = Math.ceil(Math.log10(Math.max(...all.map((figure) => figure.high))));
  const x = (ns: number): number => LEFT + ((Math.log10(ns) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const parts: string[] = [];
  let y = 64;
  const axisFrom = y - 14;
  for (const { title, note, bars } of panels) {
    parts.push(
      `<text class="title" x="16" y="${y}">${escaped(title)} <tspan class="note">${escaped(note)}</tspan></text>`,
    );
    y += 12;
    for (const { label, figure, isOurs } of bars) {
      const middle = y + ROW / 2;
      parts.push(
        `<text class="label${isOurs ? " own" : ""}" x="${LEFT - 8}" y="${middle + 4}">${escaped(label)}</text>`,
      );
      parts.push(
        `<rect class="${isOurs ? "ours" : "bar"}" x="${LEFT}" y="${y + 4}" width="${
          (x(figure.median) - LEFT).toFixed(1)
        }" height="${ROW - 8}"/>`,
      );
      parts.push(
        `<line class="spread" x1="${x(figure.low).toFixed(1)}" x2="${
          x(figure.high).toFixed(1)
        }" y1="${middle}" y2="${middle}"/>`,
      );
      parts.push(
        `<text class="value" x="${(x(figure.high) + 6).toFixed(1)}" y="${middle + 4}">${
          shown(figure.median, "ns")
        }</text>`,
      );
      y += ROW;
    }
    y += 34;
  }
  const axis = Array.from({ length: high - low + 1 }, (_, at) => {
    const at10 = x(10 ** (low + at)).toFixed(1);
    return `<line class="grid" x1="${at10}" x2="${at10}" y1="${axisFrom}" y2="${
      y - 30
    }"/><text class="tick" x="${at10}" y="${y - 14}">${shown(10 ** (low + at), "ns")}</text>`;
  });
  const { cpu, cores, system } = results.machine;
  const caption =
    `${results.runtime}, ${cpu}, ${cores} cores, ${system}, ${results.date}. Medians with quartiles; a logarithmic axis, shorter is faster.`;
  const packages = Object.entries(results.packages).map(([name, version]) => `${name} ${version}`);
  const lines = [caption, ...[packages.slice(0, 5), packages.slice(5)].map((some) => some.join(", "))];
  const height = y + 14 * lines.length + 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="chart-title chart-desc">
<title id="chart-title">What a decision costs</title>
<desc id="chart-desc">${escaped(caption)} ${escaped(packages.join(", "))}</desc>
<style>
  svg { font: 12px system-ui, sans-serif; --text: #1f2328; --muted: #59636e; --grid: #d1d9e0; --bar: #a3b1c2; --ours: #0969da; --page: #ffffff }
  @media (prefers-color-scheme: dark) { svg { --text: #f0f6fc; --muted: #9198a1; --grid: #3d444d; --bar: #656c76; --ours: #4493f8; --page: #0d1117 } }
  .page { fill: var(--page) } text { fill: var(--text) } .head { font-size: 16px; font-weight: 600 } .title { font-weight: 600 }
  .label { text-anchor: end } .own { font-weight: 600 } .note { font-weight: 400; fill: var(--muted) } .bar { fill: var(--bar) } .ours { fill: var(--ours) }
  .grid { stroke: var(--grid) } .spread { stroke: var(--text); stroke-width: 2 } .tick { fill: var(--muted); text-anchor: middle } .caption { fill: var(--muted); font-size: 11px }
</style>
<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>
<text class="head" x="16" y="28">What a decision costs</text>
${axis.join("\n")}
${parts.join("\n")}
${lines.map((line, at) => `<text class="caption" x="16" y="${y + 12 + at * 14}">${escaped(line)}</text>`).join("\n")}
</svg>
`;
}

/** Draws the results of the newest Node there are. */
export function drawChart(folder: string): void {
  const newest =
    readdirSync(folder).flatMap((file) => /^node-(\d+)\.json$/.exec(file)?.[1] ?? []).map(Number).sort((a, b) =>
      b - a
    )[0];
  if (newest === undefined) return;
  writeFileSync(
    `${folder}chart.svg`,
    chartOf(JSON.parse(readFileSync(`${folder}node-${newest}.json`, "utf8")) as Results),
  );
}
