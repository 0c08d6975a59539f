// Every figure in a sentence is one of its data: random data, and the figures counted again in another way.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Backend, Backtest, Budget, Cell, Decision, Level, Overview, Quality } from "../src/api.ts";
import { LEVELS } from "../src/api.ts";
import { count, dollars, duration, ofBackends, ofBacktest, ofBudgets, ofDecision, ofQuality, percent, short, whatItSaved, whereItWent } from "../src/words.ts";

const ROUNDS = 500;
const NANO = 1_000_000_000;

/** Numbers that are the same at every run (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

function figures(sentence: string): number[] {
  return [...sentence.matchAll(/\d[\d,]*(?:\.\d+)?/g)].map(([found]) => Number(found.replaceAll(",", "")));
}

function times<T>(n: number, make: (at: number) => T): T[] {
  return Array.from({ length: n }, (_, at) => make(at));
}

function overview(roll: (below: number) => number): Overview {
  const cells: Cell[] = LEVELS.flatMap((sensitivity: Level) =>
    ["home", "cloud"].map((zone) => {
      const isCleared = zone === "home" || sensitivity === "public" || sensitivity === "internal";
      const requests = isCleared || roll(4) === 0 ? roll(5_000) : 0;
      return { sensitivity, zone, requests, tokens: requests * roll(900), masked: isCleared ? roll(3) : 0, vetoed: roll(90), is_cleared: isCleared };
    }),
  );
  const sensitive = cells.filter((cell) => LEVELS.indexOf(cell.sensitivity) < 2).reduce((sum, cell) => sum + cell.requests, 0);
  const requests = cells.reduce((sum, cell) => sum + cell.requests, 0);
  const cost = { paid: roll(9 * NANO), machines: roll(2) * roll(NANO), baseline: roll(9 * NANO), baseline_of: roll(5) ? "frontier" : "", unpriced: roll(3), by_backend: {} };
  return { since: 0, until: 1, requests, endings: { completed: requests }, sensitive, left: 0, stopped: 0, zones: [], cells, cost, flow: [], codes: {} };
}

test("a percentage is never 100 of what is not the whole, nor 0 of what is something", () => {
  const roll = dice(1);
  for (let round = 0; round < 20 * ROUNDS; round++) {
    const whole = 2 + roll(100_000);
    const part = 1 + roll(whole - 1);
    assert.notEqual(percent(part, whole), "100 %", `${part} of ${whole}`);
    assert.notEqual(percent(part, whole), "0 %", `${part} of ${whole}`);
    assert.ok(Math.abs(figures(percent(part, whole))[0]! - (100 * part) / whole) <= 0.5, `${part} of ${whole}`);
  }
  assert.equal(percent(9_960, 10_000), "99.6 %");
  assert.equal(percent(9_999, 10_000), "99.9 %");
  assert.equal(percent(7, 7), "100 %");
  assert.equal(percent(0, 7), "0 %");
});

test("figures are carried into the next unit where they round to it", () => {
  assert.equal(duration(999.7), "1.0 s");
  assert.equal(duration(59_960), "1 min 0 s");
  assert.equal(duration(119_600), "2 min 0 s");
  assert.equal(short(999_999), "1.0 M");
  assert.equal(short(99_960), "100 k");
  assert.equal(dollars(-1_500_000_000), "−$1.50");
});

test("where data went is said with the figures of the cells", () => {
  const roll = dice(2);
  for (let round = 0; round < ROUNDS; round++) {
    const o = overview(roll);
    const crossed = o.cells.filter((cell) => !cell.is_cleared).reduce((sum, cell) => sum + cell.requests, 0);
    const said = whereItWent(o);
    assert.equal(said.status === "fail", crossed > 0);
    if (crossed) assert.deepEqual(figures(said.sentence), [crossed]);
    else if (o.sensitive > 1) assert.deepEqual(figures(said.sentence), [o.sensitive]);
    else assert.deepEqual(figures(said.sentence), []);
  }
});

test("what was saved is the baseline without what was paid and what machines cost", () => {
  const roll = dice(3);
  for (let round = 0; round < ROUNDS; round++) {
    const o = overview(roll);
    const actual = o.cost.paid + o.cost.machines;
    const said = whatItSaved(o);
    if (!o.cost.baseline_of) assert.ok(said.sentence.startsWith(dollars(actual)));
    else if (o.cost.baseline) {
      assert.ok(said.sentence.startsWith(dollars(Math.abs(o.cost.baseline - actual))));
      assert.equal(said.status, actual > o.cost.baseline ? "warn" : "ok");
      assert.match(said.sentence, actual > o.cost.baseline ? / more, / : / saved, /);
    }
    assert.equal(said.more.includes("no known price"), o.cost.baseline_of !== "" && o.cost.baseline === 0 ? false : o.cost.unpriced > 0);
  }
});

test("no budget is called unspent that has nothing left", () => {
  const roll = dice(4);
  for (let round = 0; round < ROUNDS; round++) {
    const budgets: Budget[] = times(1 + roll(4), (at) => {
      const limit = (1 + roll(9)) * NANO;
      const isHard = roll(2) === 1;
      const spent = isHard ? Math.min(limit, roll(12) * NANO) : roll(12) * NANO;
      return { name: `b${at}`, share: "", window: "day", is_hard: isHard, on_exhausted: "reject", limit, spent, held: 0, left: limit - spent, until: 0 };
    });
    const said = ofBudgets(budgets);
    const hard = budgets.filter((each) => each.is_hard && each.left <= 0).length;
    const soft = budgets.filter((each) => !each.is_hard && each.left <= 0).length;
    assert.equal(/^No budget is spent/.test(said), hard + soft === 0, said);
    if (hard) assert.deepEqual(figures(said), [hard, budgets.length]);
    else if (soft) assert.deepEqual(figures(said), [soft, budgets.length]);
    else assert.ok(said.endsWith(`has ${dollars(Math.min(...budgets.map((each) => each.left / each.limit)) * budgets.find((each) => said.includes(` ${each.name},`))!.limit)} of ${dollars(budgets.find((each) => said.includes(` ${each.name},`))!.limit)} left.`));
  }
});

test("backends, scores and a backtest are counted as their rows are", () => {
  const roll = dice(5);
  for (let round = 0; round < ROUNDS; round++) {
    const replicas = times(1 + roll(6), () => ({ replica: "", up: roll(3) > 0, reason: "", breaker: "closed", in_flight: roll(40), queue: roll(2) ? roll(9) : null, predicted_wait_s: null, saturated: false }));
    const backend: Backend = { name: "b", kind: "tgi", zone: "z", clearance: "public", models: {}, price: null, replicas };
    let [up, busy, waiting] = [0, 0, 0];
    for (const each of replicas) [up, busy, waiting] = [up + Number(each.up), busy + each.in_flight, waiting + (each.queue ?? 0)];
    assert.deepEqual(figures(ofBackends([backend])), [up, replicas.length, busy, waiting]);

    const scores = times(1 + roll(9), (at) => ({ from: at / 20, tier: roll(2) ? "hard" : "simple", requests: roll(3_000) }));
    const quality: Quality = { medium_from: 0.3, hard_from: 0.6, width: 0.05, scores, times: [] };
    let [hard, total] = [0, 0];
    for (const each of scores) [hard, total] = [hard + (each.tier === "hard" ? each.requests : 0), total + each.requests];
    if (total) assert.equal(ofQuality(quality), `${percent(hard, total)} of ${count(total)} requests were hard.`);

    const old = roll(NANO);
    const likely = roll(NANO);
    const tested: Backtest = { records: 1 + roll(9_000), is_cut_short: false, rerouted: roll(90), new_egress: roll(3), cost: { old, least: 0, likely, most: 0, unknown: 0 }, backends: [], refusals: [], zones: [] };
    const said = ofBacktest(tested);
    assert.ok(said.startsWith(`${count(tested.rerouted)} of ${count(tested.records)} recorded`));
    assert.equal(said.includes("cheaper"), likely < old);
    assert.equal(said.includes("dearer"), likely > old);
    assert.equal(said.includes("none newly reaches"), tested.new_egress === 0);
  }
});

test("a decision that the caller left is not said of the backend", () => {
  const base = { sensitivity: "public", tier: "simple", attempts: 1, status: 200, code: "", cost_nano: null, total_ms: 20 } as Partial<Decision>;
  assert.equal(ofDecision({ ...base, ending: "abandoned", backend: "local", zone: "home" } as Decision), "Public, simple: the caller left while local in home was at it, after 20 ms.");
  assert.equal(ofDecision({ ...base, ending: "abandoned", backend: "", zone: "" } as Decision), "Public, simple: the caller left before a backend answered, after 20 ms.");
  assert.equal(ofDecision({ ...base, ending: "completed", backend: "local", zone: "home" } as Decision), "Public, simple: answered by local in home, in 20 ms.");
  assert.equal(ofDecision({ ...base, ending: "refused", backend: "", zone: "", status: 403, code: "no_cleared_backend" } as Decision), "Public, simple: refused with 403 no_cleared_backend.");
});
