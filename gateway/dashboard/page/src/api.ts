// What the gateway tells the page. Money is in nano-dollars, instants in seconds since the epoch, durations in ms.

export type Level = "public" | "internal" | "confidential" | "restricted";
export const LEVELS: readonly Level[] = ["restricted", "confidential", "internal", "public"];

export interface Cell {
  sensitivity: Level;
  zone: string;
  requests: number;
  tokens: number;
  masked: number;
  vetoed: number;
  is_cleared: boolean;
}

export interface Cost {
  paid: number;
  machines: number;
  baseline: number;
  baseline_of: string;
  unpriced: number;
  by_backend: Record<string, number>;
}

export interface Band {
  sensitivity: Level;
  rule: string;
  backend: string;
  ending: string;
  requests: number;
}

export interface Zone {
  name: string;
  clearance: Level;
  region: string;
  retention: string;
  backends: string[];
}

export interface Overview {
  since: number;
  until: number;
  requests: number;
  endings: Record<string, number>;
  sensitive: number;
  left: number;
  stopped: number;
  zones: Zone[];
  cells: Cell[];
  cost: Cost;
  flow: Band[];
  codes: Record<string, number>;
}

export interface Replica {
  replica: string;
  up: boolean;
  reason: string;
  breaker: string;
  in_flight: number;
  queue: number | null;
  predicted_wait_s: number | null;
  saturated: boolean;
}

export interface Backend {
  name: string;
  kind: string;
  zone: string;
  clearance: Level;
  models: Record<string, string>;
  price: { input: number; output: number; gpu_hour: number } | null;
  replicas: Replica[];
}

export interface Budget {
  name: string;
  share: string;
  window: string;
  is_hard: boolean;
  on_exhausted: string;
  limit: number;
  spent: number;
  held: number;
  left: number;
  until: number;
}

export interface Row {
  id: string;
  at: number;
  caller: string;
  team: string;
  endpoint: string;
  model: string;
  stream: boolean;
  sensitivity: Level;
  tier: string;
  rule: string;
  backend: string;
  zone: string;
  ending: string;
  status: number;
  code: string;
  masked: string[];
  attempts: number;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cost_nano: number | null;
  total_ms: number;
}

export interface Try {
  backend: string;
  replica: string;
  started_ms: number;
  first_byte_ms: number | null;
  error: string;
  held: number | null;
  charged: number | null;
  zone: string;
}

export interface Decision extends Row {
  request: string;
  complexity: number;
  medium_from: number;
  hard_from: number;
  basis: string;
  findings: Record<string, number>;
  unknown: string[];
  routes: string[];
  excluded: { backend: string; veto: string; detail: string }[];
  tries: Try[];
  trace_id: string;
  is_current: boolean;
  explained: string[];
}

export interface Proofs {
  policy: { name: string; version: string; owner: string; digest: string };
  prose: string;
  proofs: { is_of_clearance: boolean; sentence: string; states: number; holds: boolean }[];
}

export interface Served {
  version?: number;
  at?: number;
  author?: string;
  digest?: string;
  text?: string;
}

export interface Version {
  version: number;
  at: number;
  author: string;
  source: string;
  digest: string;
  note: string;
}

export interface Judged {
  outcome: string;
  policy: { name: string; version: string; digest: string };
  proved: unknown;
  changes: { said: string[]; routed: string[] } | null;
}

export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function get<T>(path: string): Promise<T> {
  return answered<T>(await fetch(`/admin/${path}`, { headers: { accept: "application/json" } }));
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  return answered<T>(await fetch(`/admin/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answered<T>(answer: Response): Promise<T> {
  if (answer.status === 204) return undefined as T;
  const document = await answer.json().catch(() => null);
  if (answer.ok) return document as T;
  const error = document?.error ?? {};
  throw new Refused(answer.status, error.code ?? "", error.message ?? `the gateway answered ${answer.status}`);
}

export interface Tried {
  sensitivity: Level;
  basis: string;
  tier: string;
  complexity: number;
  medium_from: number;
  hard_from: number;
  findings: Record<string, number>;
  unknown: string[];
  prompt_tokens: number;
  rule: string;
  routes: { backend: string; zone: string; mask: string[] }[];
  excluded: { backend: string; veto: string; detail: string }[];
  refused: { status: number; code: string; message: string } | null;
  explained: string[];
}

export interface Cases {
  cases: { name: string; line: number; rule: string; mistakes: string[] }[];
}

export interface Change {
  name: string;
  old: number;
  new: number;
}

export interface Backtest {
  records: number;
  is_cut_short: boolean;
  rerouted: number;
  new_egress: number;
  cost: { old: number; least: number; likely: number; most: number; unknown: number };
  backends: Change[];
  refusals: Change[];
  zones: { sensitivity: Level; zone: string; old: number; new: number }[];
}

export interface Quality {
  medium_from: number;
  hard_from: number;
  width: number;
  scores: { from: number; tier: string; requests: number }[];
  times: { backend: string; what: string; up_to_ms: Record<string, number> }[];
}

export interface Costs {
  paid: number;
  machines: number;
  all_baseline: Elsewhere | null;
  all_local: Elsewhere | null;
}

export interface Elsewhere {
  backend: string;
  least: number;
  most: number;
  how: string;
}
