// Reads a JSON list of {format, text}, parses each text with the package of its
// format, and writes a list of {labels, edges} in the same order: the label of each
// node by its id, and pairs of ids.
import { readFileSync } from "node:fs";
import { D2 } from "@terrastruct/d2";
import { JSDOM } from "jsdom";

const texts = JSON.parse(readFileSync(0, "utf8"));

const d2 = new D2();
async function readD2(text) {
  const { diagram } = await d2.compile(text);
  const ids = diagram.shapes.map(({ id }) => id);
  const nodes = diagram.shapes.filter(
    ({ id }) => !ids.some((other) => other.startsWith(`${id}.`)),
  );
  const plain = (id) => id.replaceAll('"', "");
  return {
    labels: Object.fromEntries(nodes.map(({ id, label }) => [plain(id), label])),
    edges: diagram.connections.map(({ src, dst }) => [plain(src), plain(dst)]),
  };
}

let mermaid;
async function readMermaid(text) {
  if (mermaid === undefined) {
    // D2 must be loaded before: it takes a window for a browser.
    globalThis.window = new JSDOM("").window;
    globalThis.document = window.document;
    mermaid = (await import("mermaid")).default;
  }
  await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const frames = new Set(db.getSubGraphs().map(({ id }) => id));
  const nodes = [...db.getVertices().values()].filter(({ id }) => !frames.has(id));
  const plain = (label) =>
    label
      .replaceAll("<br>", "\n")
      .replace(/(?:#|ﬂ°°)(\d+)(?:;|¶ß)/g, (_, code) => String.fromCodePoint(code));
  return {
    labels: Object.fromEntries(nodes.map(({ id, text }) => [id, plain(text)])),
    edges: db.getEdges().map(({ start, end }) => [start, end]),
  };
}

const found = [];
for (const format of ["d2", "mermaid"]) {
  for (const [place, each] of texts.entries()) {
    if (each.format === format) {
      found[place] = await (format === "d2" ? readD2 : readMermaid)(each.text);
    }
  }
}
process.stdout.write(JSON.stringify(found), () => process.exit(0)); // D2 has a worker
