// Three questions, three answers, and the evidence: data class by zone, cost, backends, flow, budgets.

import { useState } from "preact/hooks";
import type { Backend, Budget, Cell, Costs, Overview } from "./api.ts";
import { LEVELS, get } from "./api.ts";
import { BudgetRows } from "./budgets.tsx";
import { Flow, FlowTable } from "./flow.tsx";
import { ClassMark, Panel, Segments, Shown, Status, ZoneMark, useLoaded } from "./parts.tsx";
import type { Answer } from "./words.ts";
import { capital, count, dollars, percent, short, whatIsBroken, whatItSaved, whereItWent } from "./words.ts";

const RANGES = { "1 h": 3_600, "24 h": 86_400, "7 d": 7 * 86_400, "30 d": 30 * 86_400 } as const;
type Range = keyof typeof RANGES;

export interface Everything {
  overview: Overview;
  backends: Backend[];
  budgets: Budget[] | Error;
  costs: Costs;
}

async function everything(range: Range): Promise<Everything> {
  const until = Date.now() / 1000;
  const span = `since=${until - RANGES[range]}&until=${until}`;
  const [overview, costs, backends, budgets] = await Promise.all([
    get<Overview>(`overview?${span}`),
    get<Costs>(`costs?${span}`),
    get<{ rows: Backend[] }>("backends"),
    get<{ rows: Budget[] }>("budgets").catch((error: Error) => error),
  ]);
  return { overview, costs, backends: backends.rows, budgets: budgets instanceof Error ? budgets : budgets.rows };
}

export function OverviewView({ query, go }: { query: URLSearchParams; go: (to: string) => void }) {
  const asked = (query.get("range") ?? "24 h") as Range;
  const range = asked in RANGES ? asked : "24 h";
  const loaded = useLoaded(() => everything(range), [range]);
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        <Segments label="Range" all={Object.keys(RANGES) as Range[]} now={range} choose={(one) => go(`/dashboard?range=${encodeURIComponent(one)}`)} />
      </div>
      <Shown loaded={loaded}>{(value) => <Evidence {...value} />}</Shown>
    </>
  );
}

function Evidence({ overview, costs, backends, budgets }: Everything) {
  const [unit, setUnit] = useState<"Requests" | "Tokens">("Requests");
  const [shape, setShape] = useState<"Diagram" | "Table">(matchMedia("(max-width: 720px)").matches ? "Table" : "Diagram");
  return (
    <>
      <div class="answers">
        {[whereItWent(overview), whatItSaved(overview), whatIsBroken(overview, backends)].map((answer) => <Said {...answer} />)}
      </div>
      <div class="two">
        <Panel title="Data class by zone" note={`${unit.toLowerCase()} that reached each zone`} more={<Segments label="Unit" all={["Requests", "Tokens"] as const} now={unit} choose={setUnit} />}>
          <Matrix overview={overview} unit={unit} />
          <p class="foot">
            {overview.stopped === 0 ? <Status is="ok">No request can cross the line under the policy in use: <a href="/dashboard/policy">proved</a></Status> : <Status is="fail">{count(overview.stopped)} stopped at the door</Status>}
          </p>
        </Panel>
        <Panel title="Cost" note={overview.cost.baseline_of ? `against the same tokens at ${overview.cost.baseline_of}` : "of answers with a known price"}>
          <CostBars overview={overview} costs={costs} />
        </Panel>
      </div>
      <section class="strip" aria-label="Backends">
        {backends.map((backend) => <Tile backend={backend} />)}
      </section>
      <Panel title="Flow" note={`${count(overview.requests)} requests, each counted once`} more={<Segments label="Shape" all={["Diagram", "Table"] as const} now={shape} choose={setShape} />}>
        {overview.flow.length === 0 ? <p class="empty">Bands appear here with the first request.</p> : shape === "Diagram" ? <Flow bands={overview.flow} /> : <FlowTable bands={overview.flow} since={overview.since} />}
      </Panel>
      <Panel title="Budgets" note="spent, held in flight, left">
        {budgets instanceof Error ? <p><Status is="fail">How budgets stand cannot be told now: {budgets.message}.</Status></p> : <BudgetRows budgets={budgets} />}
      </Panel>
    </>
  );
}

function Said({ question, sentence, more, status }: Answer) {
  return (
    <div class={`answer ${status}`}>
      <p class="question">{question}</p>
      <p class="sentence">{sentence}</p>
      <p class="more">{more}</p>
    </div>
  );
}

function Matrix({ overview, unit }: { overview: Overview; unit: "Requests" | "Tokens" }) {
  const zones = [...overview.zones].sort((one, other) => LEVELS.indexOf(one.clearance) - LEVELS.indexOf(other.clearance));
  const at = new Map(overview.cells.map((cell) => [`${cell.sensitivity}/${cell.zone}`, cell]));
  const most = Math.max(1, ...overview.cells.map((cell) => (unit === "Tokens" ? cell.tokens : cell.requests)));
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Data class by zone">
      <table class="matrix">
        <thead>
          <tr>
            <td />
            {zones.map((zone) => (
              <th scope="col">
                <ZoneMark clearance={zone.clearance} /> {zone.name}
                <small>{[zone.region, `cleared to ${capital(zone.clearance)}`].filter(Boolean).join(", ")}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {LEVELS.map((level) => (
            <tr>
              <th scope="row"><ClassMark level={level} /></th>
              {zones.map((zone) => <CellOf cell={at.get(`${level}/${zone.name}`)!} since={overview.since} unit={unit} most={most} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CellOf({ cell, since, unit, most }: { cell: Cell; since: number; unit: "Requests" | "Tokens"; most: number }) {
  const value = unit === "Tokens" ? cell.tokens : cell.requests;
  const href = `/dashboard/decisions?sensitivity=${cell.sensitivity}&zone=${encodeURIComponent(cell.zone)}&since=${Math.floor(since)}`;
  const shown = unit === "Tokens" ? short(value) : count(value);
  if (!cell.is_cleared) {
    return (
      <td class="beyond">
        <span class="value">{shown}</span> {cell.requests === 0 ? <Status is="ok">proved</Status> : <Status is="fail">reached it</Status>}
        <small>{cell.vetoed ? `${count(cell.vetoed)} asked, all vetoed` : "none asked"}</small>
      </td>
    );
  }
  return (
    <td>
      {value ? <a class="value" href={href}>{shown}</a> : <span class="value">{shown}</span>}
      <small>{unit === "Tokens" ? `${count(cell.requests)} requests` : `${short(cell.tokens)} tokens`}{cell.masked ? `, ${count(cell.masked)} masked first` : ""}</small>
      <meter class={cell.sensitivity} min={0} max={most} value={value} aria-hidden="true" />
    </td>
  );
}

function CostBars({ overview, costs }: { overview: Overview; costs: Costs }) {
  const { cost } = overview;
  const actual = cost.paid + cost.machines;
  const home = costs.all_local;
  const most = Math.max(actual, cost.baseline, home?.most ?? 0, 1);
  return (
    <>
      <table class="bars">
        <tbody>
          {cost.baseline_of ? <Bar name={`All at ${cost.baseline_of}`} nano={cost.baseline} most={most} kind="outline" /> : null}
          <Bar name="Actual" nano={actual} most={most} kind="solid" />
          {home ? <Bar name={`All at ${home.backend}`} nano={home.most} most={most} kind="outline" /> : null}
          {cost.machines ? <Bar name="of it machines" nano={cost.machines} most={most} kind="solid" /> : null}
          {Object.entries(cost.by_backend).map(([name, nano]) => <Bar name={`of it ${name}`} nano={nano} most={most} kind="solid" />)}
        </tbody>
      </table>
      {cost.baseline_of && cost.baseline > 0 ? <p class="foot">{percent(Math.min(actual, cost.baseline), cost.baseline)} of what all at {cost.baseline_of} would cost.</p> : null}
      {home ? <p class="foot">All at {home.backend} is estimated: {home.how}.</p> : null}
      {cost.unpriced ? <p class="foot"><Status is="warn">{count(cost.unpriced)} answers have no known price</Status></p> : null}
    </>
  );
}

function Bar({ name, nano, most, kind }: { name: string; nano: number; most: number; kind: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="wide"><meter class={kind} min={0} max={most} value={nano} aria-hidden="true" /></td>
      <td class="number">{dollars(nano)}</td>
    </tr>
  );
}

function Tile({ backend }: { backend: Backend }) {
  const up = backend.replicas.filter((replica) => replica.up).length;
  const all = backend.replicas.length;
  const busy = backend.replicas.reduce((sum, replica) => sum + replica.in_flight, 0);
  const queues = backend.replicas.map((replica) => replica.queue).filter((queue) => queue !== null);
  return (
    <a class="tile" href="/dashboard/backends">
      <strong><ZoneMark clearance={backend.clearance} /> {backend.name}</strong>
      <Status is={up === all ? "ok" : up ? "warn" : "fail"}>{up === 0 ? (backend.replicas[0]?.reason ?? "no replica") : `${up} of ${all} ${all === 1 ? "replica" : "replicas"} up`}</Status>
      <span class="figures">{count(busy)} running, {queues.length ? `${count(queues.reduce((sum, queue) => sum + queue, 0))} waiting` : "queue not reported"}</span>
    </a>
  );
}
