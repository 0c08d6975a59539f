// Backends and their replicas as they are now.

import type { Backend } from "./api.ts";
import { get } from "./api.ts";
import { Panel, Shown, Status, ZoneMark, useLoaded } from "./parts.tsx";
import { capital, count, dollars, ofBackends } from "./words.ts";

export function BackendsView() {
  const loaded = useLoaded(() => get<{ rows: Backend[] }>("backends"), []);
  return (
    <>
      <div class="title"><h1>Backends</h1></div>
      <Shown loaded={loaded}>
        {({ rows }) => (
          <>
            <p class="lead">{ofBackends(rows)}</p>
            {rows.map((backend) => <One backend={backend} />)}
          </>
        )}
      </Shown>
    </>
  );
}

function One({ backend }: { backend: Backend }) {
  const { price } = backend;
  const perMillion = price === null ? "no known price" : price.gpu_hour ? `${dollars(price.gpu_hour)} an hour for its machines` : `${dollars(price.input)} in, ${dollars(price.output)} out per million tokens`;
  const models = [...new Set(Object.values(backend.models))].join(", ");
  return (
    <Panel title={backend.name} note={`${backend.kind}, ${models}, ${perMillion}`} more={<span class="where"><ZoneMark clearance={backend.clearance} /> {backend.zone}, cleared to {capital(backend.clearance)}</span>}>
      <div class="scrolls" tabIndex={0} role="region" aria-label={`Replicas of ${backend.name}`}>
        <table>
          <thead>
            <tr><th scope="col">Replica</th><th scope="col">State</th><th scope="col">Breaker</th><th scope="col" class="number">In flight</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">Wait now</th></tr>
          </thead>
          <tbody>
            {backend.replicas.map((replica) => (
              <tr>
                <th scope="row"><code>{replica.replica || "none"}</code></th>
                <td><Status is={replica.up ? (replica.saturated ? "warn" : "ok") : "fail"}>{replica.up ? (replica.saturated ? "saturated" : "up") : replica.reason || "down"}</Status></td>
                <td>{replica.breaker}</td>
                <td class="number">{count(replica.in_flight ?? 0)}</td>
                <td class="number">{replica.queue === null || replica.queue === undefined ? "not reported" : count(replica.queue)}</td>
                <td class="number">{replica.predicted_wait_s === null || replica.predicted_wait_s === undefined ? "not known" : `${replica.predicted_wait_s} s`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
