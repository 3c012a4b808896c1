// Fails when a tracked file names a package registry's host, a path of one machine, or something that looks like a secret.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const everywhere = [
  /\bregistry\.[a-z0-9-]+\.[a-z]{2,}\b/i,
  /\b(?:npm\.pkg\.github\.com|artifactory|verdaccio|npmmirror)\b/i,
  /(?<![\w.])\/(?:root|work)\/[\w.-]+/,
  /(?<![\w.])\/(?:home|Users)\/(?!me\b|user\b|alice\b|bob\b)[\w.-]+\/(?:[\w.-]+\/)*(?:node_modules|src|\.npm|\.cache)\b/,
  /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/]{40}/,
  /\bnpm_[A-Za-z0-9]{36}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|_authToken\s*=/,
];

const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" }).split("\0").filter(Boolean);
const found = [];
for (const file of new Set(files)) {
  if (file === ".ci/hosts.mjs") continue;
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") continue; // removed, and not yet recorded as such
    throw error;
  }
  text.split("\n").forEach((line, index) => {
    for (const pattern of everywhere) {
      const match = pattern.exec(line);
      if (match !== null) found.push(`${file}:${index + 1}: ${match[0].slice(0, 60)}`);
    }
  });
}
for (const line of found) console.error(line);
console.log(`${files.length} files looked at, ${found.length} findings`);
process.exitCode = found.length > 0 || files.length === 0 ? 1 : 0;
