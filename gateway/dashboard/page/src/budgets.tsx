// Budgets: spent, held, left, and what happens at the end.

import type { Budget } from "./api.ts";
import { get } from "./api.ts";
import { Panel, Shown, Status, useLoaded } from "./parts.tsx";
import { dollars, instant, ofBudgets, percent } from "./words.ts";

const ENDS: Record<string, string> = { downgrade: "then the next route is taken", reject: "then requests are refused", queue: "then requests wait" };

export function BudgetsView() {
  const loaded = useLoaded(() => get<{ rows: Budget[] }>("budgets"), []);
  return (
    <>
      <div class="title"><h1>Budgets</h1></div>
      <Shown loaded={loaded}>
        {({ rows }) => (
          <>
            <p class="lead">{ofBudgets(rows)}</p>
            <Panel title="Budgets" note="spent, held in flight, left"><BudgetRows budgets={rows} /></Panel>
          </>
        )}
      </Shown>
    </>
  );
}

export function BudgetRows({ budgets }: { budgets: readonly Budget[] }) {
  if (!budgets.length) return <p class="empty">The policy declares no budget. One under <code>budgets:</code> is a ceiling that no burst crosses.</p>;
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="Budgets">
      <table>
        <thead>
          <tr><th scope="col">Budget</th><th scope="col">Window</th><th scope="col" class="wide">Used</th><th scope="col" class="number">Spent</th><th scope="col" class="number">Held</th><th scope="col" class="number">Left</th><th scope="col">At its end</th></tr>
        </thead>
        <tbody>
          {budgets.map((budget) => (
            <tr>
              <th scope="row">{budget.name}{budget.share ? <small>{budget.share}</small> : null}</th>
              <td>{budget.window}<small>until {instant(budget.until)}</small></td>
              <td class="wide">
                <svg class="spent" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={`${percent(budget.spent, budget.limit)} spent, ${percent(budget.held, budget.limit)} held`}>
                  <rect width="100" height="8" class="room" />
                  <rect width={Math.min(100, (100 * budget.spent) / budget.limit)} height="8" class="paid" />
                  <rect x={Math.min(100, (100 * budget.spent) / budget.limit)} width={budget.held > 0 ? Math.max(1, (100 * budget.held) / budget.limit) : 0} height="8" class="held" />
                </svg>
              </td>
              <td class="number">{dollars(budget.spent)}</td>
              <td class="number">{dollars(budget.held)}</td>
              <td class="number">{dollars(budget.left)} <small>of {dollars(budget.limit)}</small></td>
              <td>{budget.is_hard ? (budget.left > 0 ? ENDS[budget.on_exhausted] : <Status is="fail">spent; {ENDS[budget.on_exhausted]}</Status>) : "it only warns"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
