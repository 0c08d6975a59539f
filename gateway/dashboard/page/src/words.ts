// Figures as people read them, and the sentences that the page opens with. Pure: each figure in a sentence is in its data.

import type { Backend, Backtest, Budget, Cases, Decision, Overview, Quality, Tried } from "./api.ts";

const NANO = 1_000_000_000;

export function count(n: number): string {
  return n.toLocaleString("en-US");
}

export function short(n: number): string {
  if (n < 10_000) return count(n);
  const [value, unit] = n < 999_500 ? [n / 1_000, "k"] : n < 999_500_000 ? [n / 1_000_000, "M"] : [n / 1_000_000_000, "G"];
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** Dollars with 2 decimals in sums, 6 where single requests are spoken of or the sum is that small. */
export function dollars(nano: number, decimals?: number): string {
  const usd = Math.abs(nano) / NANO;
  const places = decimals ?? (usd !== 0 && usd < 0.01 ? 6 : 2);
  return `${nano < 0 ? "−" : ""}$${usd.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const s = ms / 1_000;
  if (s < 59.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Never 100 % of what is not the whole, nor 0 % of what is something. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const exact = (100 * part) / whole;
  if (exact < 0.1 && part > 0) return "0.1 %";
  const isNearAnEnd = exact < 10 || (exact > 99 && part < whole);
  const rounded = Number(exact.toFixed(isNearAnEnd ? 1 : 0));
  return `${part < whole ? Math.min(rounded, 99.9) : rounded} %`;
}

export function instant(at: number): string {
  return `${new Date(at * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

export interface Answer {
  question: string;
  sentence: string;
  more: string;
  status: "ok" | "warn" | "fail" | "none";
}

export function whereItWent(o: Overview): Answer {
  const question = "Where did my data go?";
  const crossed = o.cells.filter((cell) => !cell.is_cleared).reduce((sum, cell) => sum + cell.requests, 0);
  const masked = o.cells.reduce((sum, cell) => sum + cell.masked, 0);
  const vetoed = o.cells.reduce((sum, cell) => sum + cell.vetoed, 0);
  if (crossed > 0) {
    const sentence = `${count(crossed)} ${crossed === 1 ? "attempt" : "attempts"} reached a zone that may not see the class.`;
    return { question, sentence, more: "The policy in use forbids it; an earlier one, or an earlier clearance, did not.", status: "fail" };
  }
  if (o.sensitive === 0) {
    const more = o.requests === 0 ? "Requests appear here as soon as they are answered." : `${count(o.requests)} requests, none of them confidential or restricted.`;
    return { question, sentence: "Nothing sensitive has been asked.", more, status: "none" };
  }
  const sentence = o.sensitive === 1 ? "The one sensitive request stayed where it may go." : `All ${count(o.sensitive)} sensitive requests stayed where they may go.`;
  const after = masked ? ` ${count(masked)} left only after masking.` : "";
  return { question, sentence, more: `Confidential and restricted. ${vetoed ? `${count(vetoed)} ${vetoed === 1 ? "way out was" : "ways out were"} struck out.` : "No rule proposed a way out."}${after}`, status: "ok" };
}

export function whatItSaved(o: Overview): Answer {
  const question = "What did it save?";
  const { cost } = o;
  const actual = cost.paid + cost.machines;
  const unpriced = cost.unpriced ? ` ${count(cost.unpriced)} answers have no known price and are in neither sum.` : "";
  if (!cost.baseline_of) {
    const sentence = `${dollars(actual)} spent, compared with nothing.`;
    return { question, sentence, more: `Name a \`baseline\` in the policy to compare with.${unpriced}`, status: "none" };
  }
  const saved = cost.baseline - actual;
  const share = percent(Math.abs(saved), cost.baseline);
  const machines = cost.machines ? "Machines included, used or not." : "By tokens; no machine has a price by the hour.";
  if (cost.baseline === 0) return { question, sentence: "No answer has been paid for yet.", more: machines, status: "none" };
  const sentence = saved >= 0 ? `${dollars(saved)} saved, ${share} less than all at ${cost.baseline_of}.` : `${dollars(-saved)} more, ${share} above all at ${cost.baseline_of}.`;
  return { question, sentence, more: `${machines}${unpriced}`, status: saved >= 0 ? "ok" : "warn" };
}

export function whatIsBroken(o: Overview, backends: Backend[]): Answer {
  const question = "What is broken?";
  const down = backends.filter((backend) => !backend.replicas.some((replica) => replica.up));
  const ailing = backends.filter((backend) => !down.includes(backend) && backend.replicas.some((replica) => !replica.up));
  const completed = o.endings["completed"] ?? 0;
  const refused = o.endings["refused"] ?? 0;
  const more = o.requests ? `${percent(completed, o.requests)} completed. ${count(refused)} refused.` : "No request in this time.";
  if (down.length) {
    const names = down.map((backend) => backend.name).join(" and ");
    const others = backends.length - down.length;
    const sentence = `${capital(names)} ${down.length === 1 ? "does" : "do"} not answer; ${others} of ${backends.length} backends do.`;
    return { question, sentence, more, status: "fail" };
  }
  if (ailing.length) {
    const names = ailing.map((backend) => backend.name).join(" and ");
    return { question, sentence: `${capital(names)} ${ailing.length === 1 ? "lacks" : "lack"} a replica; all ${backends.length} backends answer.`, more, status: "warn" };
  }
  return { question, sentence: `Nothing. All ${backends.length} backends are answering.`, more, status: "ok" };
}

export function ofDecision(d: Decision): string {
  const what = `${capital(d.sensitivity)}, ${d.tier}`;
  const tried = d.attempts > 1 ? ` after ${d.attempts} attempts` : "";
  if (d.ending === "refused") return `${what}: refused with ${d.status} ${d.code}${tried}.`;
  const cost = d.cost_nano === null ? "" : ` for ${dollars(d.cost_nano, 6)}`;
  if (d.ending === "abandoned") {
    const before = d.backend ? `while ${d.backend} in ${d.zone} was at it` : "before a backend answered";
    return `${what}: the caller left ${before}${tried}, after ${duration(d.total_ms)}${cost}.`;
  }
  const verb = d.ending === "completed" ? "answered" : d.ending;
  return `${what}: ${verb} by ${d.backend} in ${d.zone}${tried}, in ${duration(d.total_ms)}${cost}.`;
}

export function ofBudgets(budgets: Budget[]): string {
  if (!budgets.length) return "The policy declares no budget.";
  const spent = budgets.filter((budget) => budget.is_hard && budget.left <= 0);
  if (spent.length) return `${spent.length} of ${budgets.length} budgets ${spent.length === 1 ? "is" : "are"} spent.`;
  const passed = budgets.filter((budget) => budget.left <= 0);
  if (passed.length) return `No hard budget is spent. ${passed.length} of ${budgets.length} budgets ${passed.length === 1 ? "is" : "are"} past the limit and only ${passed.length === 1 ? "warns" : "warn"}.`;
  const [tightest] = [...budgets].sort((one, other) => one.left / one.limit - other.left / other.limit);
  return `No budget is spent. The tightest, ${tightest!.name}, has ${dollars(tightest!.left)} of ${dollars(tightest!.limit)} left.`;
}

export function ofBackends(backends: Backend[]): string {
  const replicas = backends.flatMap((backend) => backend.replicas);
  const up = replicas.filter((replica) => replica.up).length;
  const busy = replicas.reduce((sum, replica) => sum + replica.in_flight, 0);
  const waiting = replicas.reduce((sum, replica) => sum + (replica.queue ?? 0), 0);
  return `${up} of ${replicas.length} replicas are up. ${count(busy)} requests in flight, ${count(waiting)} waiting.`;
}

export function ofTried(t: Tried): string {
  const what = `${capital(t.sensitivity)}, ${t.tier}`;
  if (t.refused) return `${what}: it would be refused with ${t.refused.status} ${t.refused.code}.`;
  const [first, ...rest] = t.routes.map((route) => route.backend);
  return `${what}: it would go to ${first}${rest.length ? `, then ${rest.join(", ")}` : " alone"}.`;
}

export function ofQuality(q: Quality): string {
  const total = q.scores.reduce((sum, score) => sum + score.requests, 0);
  const hard = q.scores.filter((score) => score.tier === "hard").reduce((sum, score) => sum + score.requests, 0);
  return total === 0 ? "No request has been scored in the last day." : `${percent(hard, total)} of ${count(total)} requests were hard.`;
}

export function ofCases({ cases }: Cases): string {
  const holding = cases.filter((each) => each.mistakes.length === 0).length;
  return cases.length === 0 ? "It has no cases of its own." : `${holding} of ${cases.length} of its own cases hold.`;
}

export function ofBacktest(b: Backtest): string {
  if (b.records === 0) return "No recorded request to decide again.";
  const change = b.cost.likely - b.cost.old;
  const money = change === 0 ? "at the same cost" : change < 0 ? `${dollars(-change)} cheaper` : `${dollars(change)} dearer`;
  const out = b.new_egress ? `${count(b.new_egress)} could newly reach an outer zone` : "none newly reaches an outer zone";
  return `${count(b.rerouted)} of ${count(b.records)} recorded requests would go elsewhere, ${money}; ${out}.`;
}
