// How hard requests are, against the thresholds they are read by; and how long backends take.

import type { Quality } from "./api.ts";
import { get } from "./api.ts";
import { Panel, Shown, useLoaded } from "./parts.tsx";
import { count, duration, ofQuality } from "./words.ts";

export function QualityView() {
  const loaded = useLoaded(() => get<Quality>("quality"), [], 15_000);
  return (
    <>
      <div class="title"><h1>Quality</h1></div>
      <Shown loaded={loaded}>
        {(quality) => (
          <>
            <p class="lead">{ofQuality(quality)}</p>
            <Panel title="Complexity" note="requests of the last day by their score; dashes are the thresholds"><Scores quality={quality} /></Panel>
            <Panel title="Times" note="of the last day; each is at most this"><Times quality={quality} /></Panel>
          </>
        )}
      </Shown>
    </>
  );
}

function Scores({ quality }: { quality: Quality }) {
  const most = Math.max(1, ...quality.scores.map((score) => score.requests));
  const said = quality.scores.map((score) => `${score.from}: ${score.requests}`).join(", ");
  if (!quality.scores.length) return <p class="empty">Scores appear here with the first request.</p>;
  return (
    <svg class="scores" viewBox="0 0 1000 190" role="img" aria-label={`Requests by score, from 0 to 1: ${said}`}>
      {quality.scores.map((score) => {
        const height = (150 * score.requests) / most;
        return <rect x={1000 * score.from} y={160 - height} width={1000 * quality.width - 2} height={height} class="bar"><title>{`${score.from.toFixed(2)} and up: ${count(score.requests)}`}</title></rect>;
      })}
      <line x1="0" x2="1000" y1="160" y2="160" class="axis" />
      {[["medium", quality.medium_from], ["hard", quality.hard_from]].map(([name, at]) => (
        <g>
          <line x1={1000 * Number(at)} x2={1000 * Number(at)} y1="4" y2="166" class="threshold" />
          <text x={1000 * Number(at)} y="182">{name} {at}</text>
        </g>
      ))}
    </svg>
  );
}

function Times({ quality }: { quality: Quality }) {
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Times">
      <table>
        <thead><tr><th scope="col">Backend</th><th scope="col">What</th><th scope="col" class="number">Median</th><th scope="col" class="number">95 %</th><th scope="col" class="number">99 %</th></tr></thead>
        <tbody>
          {quality.times.map((time) => (
            <tr>
              <th scope="row">{time.backend || "none"}</th>
              <td>{time.what === "total" ? "whole answer" : "first byte"}</td>
              {["p50", "p95", "p99"].map((name) => <td class="number">{duration(time.up_to_ms[name] ?? 0)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
