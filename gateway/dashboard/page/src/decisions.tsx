// Recorded decisions: the list with its filters, and one of them with its reasons.

import type { Decision, Row, Try } from "./api.ts";
import { LEVELS, get } from "./api.ts";
import { ClassMark, Panel, Shown, Status, useLoaded } from "./parts.tsx";
import { capital, count, dollars, duration, instant, ofDecision } from "./words.ts";

const CHOICES: [string, readonly string[]][] = [
  ["sensitivity", LEVELS],
  ["tier", ["simple", "medium", "hard"]],
  ["ending", ["completed", "interrupted", "abandoned", "refused"]],
];
const WORDS = ["rule", "backend", "zone", "code", "caller", "team"];

export function DecisionsView({ query, go }: { query: URLSearchParams; go: (to: string) => void }) {
  const filters = new URLSearchParams([...query].filter(([name, value]) => value && name !== "after"));
  const after = query.get("after");
  const asked = new URLSearchParams([...filters, ...(after ? [["after", after] as [string, string]] : [])]).toString();
  const loaded = useLoaded(() => get<{ rows: Row[]; after: string | null }>(`decisions?${asked}`), [asked], after ? 0 : 5_000);
  const choose = (event: Event) => {
    event.preventDefault();
    const given = new FormData((event.currentTarget as HTMLElement).closest("form")!);
    const chosen = new URLSearchParams([...given].filter(([, value]) => value) as [string, string][]);
    go(`/dashboard/decisions?${chosen}`);
  };
  return (
    <>
      <div class="title"><h1>Decisions</h1></div>
      <form class="filters" onSubmit={choose} role="search" aria-label="Filter decisions">
        {CHOICES.map(([name, all]) => (
          <label>{capital(name)}
            <select name={name} onChange={choose}>
              <option value="">any</option>
              {all.map((one) => <option value={one} selected={filters.get(name) === one}>{one}</option>)}
            </select>
          </label>
        ))}
        {WORDS.map((name) => <label>{capital(name)}<input name={name} value={filters.get(name) ?? ""} size={10} /></label>)}
        {filters.get("since") ? <label>Since<input name="since" type="hidden" value={filters.get("since")!} /><span>{instant(Number(filters.get("since")))}</span></label> : null}
        <button type="submit">Filter</button>
        {filters.size ? <a href="/dashboard/decisions">All</a> : null}
      </form>
      <Shown loaded={loaded}>
        {({ rows, after: next }) => (
          <Panel title={filters.size ? "Chosen" : "All"} note="the newest first; no prompt is kept">
            {rows.length === 0 ? <p class="empty">No recorded decision is like this.</p> : <List rows={rows} />}
            <p class="foot">{after ? <a href={`/dashboard/decisions?${filters}`}>Newest</a> : null} {next === null ? null : <a href={`/dashboard/decisions?${filters}&after=${encodeURIComponent(next)}`}>Older</a>}</p>
          </Panel>
        )}
      </Shown>
    </>
  );
}

function List({ rows }: { rows: Row[] }) {
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Decisions">
      <table>
        <thead>
          <tr><th scope="col">When, UTC</th><th scope="col">Class</th><th scope="col">Tier</th><th scope="col">Rule</th><th scope="col">Backend</th><th scope="col">Ended</th><th scope="col" class="number">Tokens</th><th scope="col" class="number">Cost</th><th scope="col" class="number">Took</th></tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              <td class="when"><a href={`/dashboard/decisions/${row.id}`}>{instant(row.at).slice(0, 19)}</a></td>
              <td><ClassMark level={row.sensitivity} /></td>
              <td>{row.tier}</td>
              <td>{row.rule}</td>
              <td>{row.backend || "none"}{row.attempts > 1 ? <small>{row.attempts} attempts</small> : null}</td>
              <td>{row.ending === "completed" ? row.ending : <Status is="warn">{row.ending} {row.code}</Status>}</td>
              <td class="number">{row.prompt_tokens === null ? "not reported" : count(row.prompt_tokens + (row.completion_tokens ?? 0))}</td>
              <td class="number">{row.cost_nano === null ? "not known" : dollars(row.cost_nano, 6)}</td>
              <td class="number">{duration(row.total_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function DecisionView({ id }: { id: string }) {
  const loaded = useLoaded(() => get<Decision>(`decisions/${encodeURIComponent(id)}`), [id], 0);
  return (
    <>
      <div class="title"><h1>Decision</h1><code>{id}</code></div>
      <Shown loaded={loaded}>{(decision) => <Whole d={decision} />}</Shown>
    </>
  );
}

function Whole({ d }: { d: Decision }) {
  const held = d.tries.reduce((sum, each) => sum + (each.held ?? 0), 0);
  const charged = d.tries.reduce((sum, each) => sum + (each.charged ?? 0), 0);
  const facts: [string, string][] = [
    ["Asked", instant(d.at)],
    ["Caller", d.team ? `${d.caller}, team ${d.team}` : d.caller],
    ["Asked for", d.model || "no model that the policy knows"],
    ["Endpoint", `${d.endpoint}${d.stream ? ", streamed" : ""}`],
    ["Class rests on", d.basis],
    ["Findings", Object.entries(d.findings).map(([kind, n]) => `${kind} ${n}`).join(", ") || "none"],
    ["Rule", d.rule],
    ["Status", `${d.status} ${d.code}`],
    ["Cost", d.cost_nano === null ? "not known" : dollars(d.cost_nano, 6)],
    ["Budgets", d.tries.some((each) => each.held !== null) ? `${dollars(held, 6)} held, ${dollars(charged, 6)} charged` : "none pays for it"],
    ["Trace", d.trace_id || "none"],
  ];
  return (
    <>
      <p class="lead"><ClassMark level={d.sensitivity} bare /> {ofDecision(d)}</p>
      <div class="two">
        <Panel title="Signals">
          <Ruler value={d.complexity} marks={[["medium", d.medium_from], ["hard", d.hard_from]]} />
          <dl>{facts.map(([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>)}</dl>
        </Panel>
        <Panel title="Routes" note="in order; what was struck out, and by which veto">
          <ol class="routes">{d.routes.map((route) => <li>{route}</li>)}</ol>
          {d.excluded.map((each) => <p><Status is="fail">{each.backend}: {each.veto}</Status><small>{each.detail}</small></p>)}
        </Panel>
      </div>
      <Panel title="Attempts" note="from accepted to the first byte"><Waterfall tries={d.tries} total={d.total_ms} /></Panel>
      <Panel title="Why" note={d.is_current ? "under the policy that decided" : "decided again under the policy in use; another one decided"}>
        <pre>{d.explained.join("\n")}</pre>
      </Panel>
    </>
  );
}

/** A score between 0 and 1, its thresholds, and how far the nearest one is. */
function Ruler({ value, marks }: { value: number; marks: [string, number][] }) {
  const nearest = marks.map(([name, at]) => [name, value - at] as const).sort((one, other) => Math.abs(one[1]) - Math.abs(other[1]))[0]!;
  const said = `Complexity ${value.toFixed(3)}, ${Math.abs(nearest[1]).toFixed(3)} ${nearest[1] < 0 ? "below" : "above"} ${nearest[0]}`;
  return (
    <figure class="ruler">
      <svg viewBox="0 0 400 34" role="img" aria-label={said}>
        <line x1="0" x2="400" y1="14" y2="14" class="axis" />
        {marks.map(([name, at]) => <g><line x1={400 * at} x2={400 * at} y1="4" y2="24" class="threshold" /><text x={400 * at} y="33">{name}</text></g>)}
        <circle cx={400 * value} cy="14" r="5" />
      </svg>
      <figcaption>{said}</figcaption>
    </figure>
  );
}

function Waterfall({ tries, total }: { tries: Try[]; total: number }) {
  if (!tries.length) return <p class="empty">No backend was asked.</p>;
  const most = Math.max(total, 1);
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Attempts">
      <table>
        <thead><tr><th scope="col">Backend</th><th scope="col">Replica</th><th scope="col" class="wide">When</th><th scope="col" class="number">First byte</th><th scope="col">Outcome</th></tr></thead>
        <tbody>
          {tries.map((each, number) => {
            const until = each.first_byte_ms === null ? (tries[number + 1]?.started_ms ?? total) : each.started_ms + each.first_byte_ms;
            return (
              <tr>
                <th scope="row">{each.backend}<small>{each.zone}</small></th>
                <td><code>{each.replica || "none"}</code></td>
                <td class="wide">
                  <svg class="spent" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect width="100" height="8" class="room" />
                    <rect x={(100 * each.started_ms) / most} width={Math.max(0.5, (100 * (until - each.started_ms)) / most)} height="8" class={each.error ? "failed" : "paid"} />
                  </svg>
                </td>
                <td class="number">{each.first_byte_ms === null ? "none" : duration(each.first_byte_ms)}</td>
                <td>{each.error ? <Status is="fail">{each.error}</Status> : <Status is="ok">answered</Status>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
