// Small parts that every view is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Level } from "./api.ts";
import { Refused } from "./api.ts";
import { capital } from "./words.ts";

const RANK: Record<Level, number> = { public: 1, internal: 2, confidential: 3, restricted: 4 };

/** A class by its name and by four bars, of which as many are filled as it is sensitive: no colour is needed. */
export function ClassMark({ level, bare = false }: { level: Level; bare?: boolean }) {
  const bars = [1, 2, 3, 4].map((bar) => (
    <rect x={(bar - 1) * 4} y={12 - bar * 3} width="3" height={bar * 3} class={bar <= RANK[level] ? "on" : "off"} />
  ));
  return (
    <span class={`class ${level}`}>
      <svg width="15" height="12" aria-hidden="true">{bars}</svg>
      {bare ? null : capital(level)}
    </span>
  );
}

/** A zone by its shape: filled square for what may see everything, half disc, ring for what may see public content alone. */
export function ZoneMark({ clearance }: { clearance: Level }) {
  const shape =
    clearance === "restricted" ? (
      <rect x="1" y="1" width="10" height="10" rx="1" />
    ) : clearance === "public" ? (
      <circle cx="6" cy="6" r="4.5" class="ring" />
    ) : (
      <>
        <circle cx="6" cy="6" r="4.5" class="ring" />
        <path d="M6 1.5 A4.5 4.5 0 0 0 6 10.5 Z" />
      </>
    );
  return <svg class="zone" width="12" height="12" aria-hidden="true">{shape}</svg>;
}

export type Condition = "ok" | "warn" | "fail" | "none";
const SIGNS: Record<Condition, string> = { ok: "✓", warn: "▲", fail: "✕", none: "·" };

export function Status({ is, children }: { is: Condition; children: ComponentChildren }) {
  return (
    <span class={`status ${is}`}>
      <span aria-hidden="true">{SIGNS[is]}</span> {children}
    </span>
  );
}

export function Panel({ title, note, children, more }: { title: string; note?: string; children: ComponentChildren; more?: ComponentChildren }) {
  return (
    <section class="panel">
      <header>
        <h2>{title}</h2>
        {note ? <p class="note">{note}</p> : null}
        {more}
      </header>
      {children}
    </section>
  );
}

export function Segments<T extends string>({ label, all, now, choose }: { label: string; all: readonly T[]; now: T; choose: (one: T) => void }) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {all.map((one) => (
        <button type="button" aria-pressed={one === now} onClick={() => choose(one)}>
          {one}
        </button>
      ))}
    </div>
  );
}

export interface Loaded<T> {
  value: T | null;
  error: Error | null;
  at: number;
}

/** What `load` gives, again every `everyMs` while the page is looked at. What was there stays until there is something newer. */
export function useLoaded<T>(load: () => Promise<T>, keys: readonly unknown[], everyMs = 5_000): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: null, error: null, at: 0 });
  const latest = useRef(0);
  useEffect(() => {
    const turn = ++latest.current;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setLoaded((before) => ({ ...before, error: null }));
    const again = async () => {
      try {
        const value = await load();
        if (turn === latest.current) setLoaded({ value, error: null, at: Date.now() });
      } catch (error) {
        if (turn === latest.current) setLoaded((before) => ({ ...before, error: error as Error }));
      }
      if (turn === latest.current && everyMs) timer = setTimeout(() => void (document.hidden ? wait() : again()), everyMs);
    };
    const wait = () => document.addEventListener("visibilitychange", () => void again(), { once: true });
    void again();
    return () => {
      latest.current++;
      clearTimeout(timer);
    };
  }, keys);
  return loaded;
}

/** The view of what was loaded; before that, and where nothing came, what there is to say. */
export function Shown<T>({ loaded, children }: { loaded: Loaded<T>; children: (value: T) => ComponentChildren }) {
  const { value, error } = loaded;
  return (
    <>
      {error ? <Trouble error={error} has={value !== null} at={loaded.at} /> : null}
      {value !== null ? children(value) : error ? null : <p class="loading" role="status">Reading the sums …</p>}
    </>
  );
}

function Trouble({ error, has, at }: { error: Error; has: boolean; at: number }) {
  if (error instanceof Refused && error.status === 401) return <SignIn />;
  const stale = has ? ` Figures are ${Math.max(0, Math.round((Date.now() - at) / 1000))} s old.` : "";
  const said = error instanceof Refused ? error.message : "the gateway does not answer; look whether it runs, and whether this machine reaches it";
  return (
    <div class="trouble" role="alert">
      <Status is="fail">{capital(said)}.{stale}</Status>
    </div>
  );
}

function SignIn() {
  const [wrong, setWrong] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/admin/session", { method: "POST", headers, body: JSON.stringify({ key: form.get("key") }) });
    if (answer.ok) location.reload();
    else if (answer.status === 401) setWrong("This is not the key of any role.");
    else setWrong((await answer.json().catch(() => null))?.error?.message ?? `the gateway answered ${answer.status}`);
  };
  return (
    <form class="panel signin" onSubmit={(event) => void submit(event)}>
      <h2>Sign in</h2>
      <label for="key">Admin key</label>
      <input id="key" name="key" type="password" autocomplete="current-password" required aria-describedby="wrong" />
      <button type="submit" class="primary">Sign in</button>
      <p id="wrong" class="status fail" role="alert">{wrong}</p>
    </form>
  );
}
