// Requests on their way from class by rule to where they ended, as bands whose width is their number.

import type { Band, Level } from "./api.ts";
import { LEVELS } from "./api.ts";
import { capital, count } from "./words.ts";

interface Node {
  name: string;
  column: number;
  requests: number;
  y: number;
  height: number;
}

interface Ribbon {
  level: Level;
  requests: number;
  from: Node;
  to: Node;
  y0: number;
  y1: number;
  height: number;
}

const WIDTH = 1080;
const HEIGHT = 300;
const GAP = 14;
const BAR = 8;

/** Where a request ended: at a backend, or how it did not. */
function end(band: Band): string {
  return band.ending === "completed" ? band.backend : band.backend ? `${band.backend}, ${band.ending}` : band.ending;
}

export function ribbons(bands: readonly Band[]): { nodes: Node[]; ribbons: Ribbon[] } {
  const total = bands.reduce((sum, band) => sum + band.requests, 0);
  const columns: [(band: Band) => string, (one: string, other: string) => number][] = [
    [(band) => band.sensitivity, (one, other) => LEVELS.indexOf(one as Level) - LEVELS.indexOf(other as Level)],
    [(band) => band.rule, (one, other) => one.localeCompare(other)],
    [end, (one, other) => one.localeCompare(other)],
  ];
  const nodes: Node[] = [];
  const find = new Map<string, Node>();
  columns.forEach(([name, order], column) => {
    const sums = new Map<string, number>();
    for (const band of bands) sums.set(name(band), (sums.get(name(band)) ?? 0) + band.requests);
    const room = HEIGHT - GAP * (sums.size - 1);
    let y = 0;
    for (const key of [...sums.keys()].sort(order)) {
      const height = Math.max(2, (room * sums.get(key)!) / total);
      const node = { name: key, column, requests: sums.get(key)!, y, height };
      nodes.push(node);
      find.set(`${column}/${key}`, node);
      y += height + GAP;
    }
  });
  const made: Ribbon[] = [];
  const used = new Map<string, number>();
  const sorted = [...bands].sort((one, other) => LEVELS.indexOf(one.sensitivity) - LEVELS.indexOf(other.sensitivity));
  for (const band of sorted) {
    const keys = columns.map(([name], column) => `${column}/${name(band)}`);
    for (const step of [0, 1]) {
      const from = find.get(keys[step]!)!;
      const to = find.get(keys[step + 1]!)!;
      const out = `${keys[step]}>`;
      const into = `>${keys[step + 1]}`;
      const y0 = from.y + (used.get(out) ?? 0);
      const y1 = to.y + (used.get(into) ?? 0);
      const height = (from.height * band.requests) / from.requests;
      used.set(out, (used.get(out) ?? 0) + height);
      used.set(into, (used.get(into) ?? 0) + (to.height * band.requests) / to.requests);
      made.push({ level: band.sensitivity, requests: band.requests, from, to, y0, y1, height: Math.max(1, height) });
    }
  }
  return { nodes, ribbons: made };
}

const X = [0, WIDTH / 2 - BAR / 2, WIDTH - BAR];

export function Flow({ bands }: { bands: readonly Band[] }) {
  const { nodes, ribbons: drawn } = ribbons(bands);
  const total = bands.reduce((sum, band) => sum + band.requests, 0);
  return (
    <svg class="flow" viewBox={`0 -10 ${WIDTH} ${HEIGHT + 20}`} role="img" aria-label={`${count(total)} requests from class by rule to where they ended; the table has the figures`}>
      {drawn.map((ribbon) => {
        const x0 = X[ribbon.from.column]! + BAR;
        const x1 = X[ribbon.to.column]!;
        const middle = (x0 + x1) / 2;
        const { y0, y1, height } = ribbon;
        const path = `M${x0} ${y0} C${middle} ${y0} ${middle} ${y1} ${x1} ${y1} V${y1 + height} C${middle} ${y1 + height} ${middle} ${y0 + height} ${x0} ${y0 + height} Z`;
        return <path d={path} class={`ribbon ${ribbon.level}`}><title>{`${capital(ribbon.level)}, ${ribbon.from.name} to ${ribbon.to.name}: ${count(ribbon.requests)}`}</title></path>;
      })}
      {nodes.map((node) => (
        <g>
          <rect x={X[node.column]} y={node.y} width={BAR} height={node.height} class={`node ${node.column === 0 ? node.name : ""}`} />
          <text x={node.column === 2 ? X[2]! - 8 : X[node.column]! + BAR + 8} y={node.y + Math.min(node.height / 2 + 4, node.height + 8)} text-anchor={node.column === 2 ? "end" : "start"}>
            {node.column === 0 ? capital(node.name) : node.name} {count(node.requests)}
          </text>
        </g>
      ))}
    </svg>
  );
}

export function FlowTable({ bands, since }: { bands: readonly Band[]; since: number }) {
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Flow, as a table">
      <table>
        <thead>
          <tr><th scope="col">Class</th><th scope="col">Rule</th><th scope="col">Ended</th><th scope="col" class="number">Requests</th></tr>
        </thead>
        <tbody>
          {[...bands].sort((one, other) => other.requests - one.requests).map((band) => (
            <tr>
              <td>{capital(band.sensitivity)}</td>
              <td>{band.rule}</td>
              <td>{end(band)}</td>
              <td class="number"><a href={`/dashboard/decisions?sensitivity=${band.sensitivity}&rule=${encodeURIComponent(band.rule)}&ending=${band.ending}&since=${Math.floor(since)}`}>{count(band.requests)}</a></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
