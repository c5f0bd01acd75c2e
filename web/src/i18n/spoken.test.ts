import ts from "typescript";
import { expect, test } from "vitest";

const sources = import.meta.glob<string>(["../**/*.tsx", "!../**/*.test.*"], {
  query: "?raw",
  import: "default",
  eager: true,
});
/** Attributes that people read or hear. */
const SPOKEN =
  /^(label|title|placeholder|description|alt|message|error|aria-(label|description|valuetext|roledescription))$/;
const WORD = /\p{L}{2,}/u;
/** What is the same in every language: names, abbreviations, keys, and examples such as https://example.com. */
const NAMES = /^(Shortly|Ctrl|Enter|Esc|[A-Z]{2,5}|\S+[.:]\S+|shortly add \S+)$/;

/** Return the words that are written into a component instead of being asked for by `t`. */
function hardCoded(path: string, code: string): string[] {
  const found: string[] = [];
  const say = (text: string) => WORD.test(text) && !NAMES.test(text.trim()) && found.push(`${path}: ${text.trim()}`);
  const walk = (node: ts.Node) => {
    if (ts.isJsxText(node)) say(node.text);
    else if (ts.isJsxAttribute(node) && SPOKEN.test(node.name.getText())) written(node.initializer).forEach(say);
    else if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent)) written(node).forEach(say);
    else if (ts.isPropertyAssignment(node) && SPOKEN.test(node.name.getText().replaceAll('"', "")))
      written(node.initializer).forEach(say);
    ts.forEachChild(node, walk);
  };
  walk(ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX));
  return found;
}

/** Return the literals that a value may be: `"a"`, `{yes ? "a" : "b"}`, `{given || "a"}`, the words of a template. */
function written(node: ts.Node | undefined): string[] {
  if (!node) return [];
  if (ts.isJsxExpression(node) || ts.isParenthesizedExpression(node)) return written(node.expression);
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return [node.text];
  if (ts.isTemplateExpression(node)) return [node.head.text, ...node.templateSpans.map((span) => span.literal.text)];
  if (ts.isConditionalExpression(node)) return [...written(node.whenTrue), ...written(node.whenFalse)];
  if (ts.isBinaryExpression(node)) {
    const { left, operatorToken, right } = node;
    if (operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken) return written(right);
    return ["||", "??"].includes(operatorToken.getText()) ? [...written(left), ...written(right)] : [];
  }
  return [];
}

test("no component has words of its own: all of them can be translated", () => {
  expect(Object.keys(sources).length).toBeGreaterThan(50);
  expect(Object.entries(sources).flatMap(([path, code]) => hardCoded(path, code))).toEqual([]);
});

test.each([
  ["<p>Hello there</p>", 1],
  ['<p>{yes ? "Hello" : t("bye")}</p>', 1],
  ['<button aria-label="Close" />', 1],
  [["<button title={`Edit $", "{name}`} />"].join(""), 1],
  ['<p>{open === "help" && (name || "Nobody")}</p>', 1],
  ['<p>{open === "help" && <b />}</p>', 0],
  ['tell({ message: "Saved" })', 1],
  ['<p className="wide">{t("state.more")} → 1</p>', 0],
  ['<Text size="sm">Shortly</Text>', 0],
])("%s has %i", (code, count) => {
  expect(hardCoded("x", code)).toHaveLength(count);
});
