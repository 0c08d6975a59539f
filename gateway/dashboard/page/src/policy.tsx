// The policy in use: what it means, what is proved of it, its text; a candidate checked, applied, and taken back.

import { useState } from "preact/hooks";
import type { Backtest, Cases, Judged, Proofs, Served, Version } from "./api.ts";
import { Refused, get, post } from "./api.ts";
import { Panel, Shown, Status, useLoaded } from "./parts.tsx";
import { count, instant, ofBacktest, ofCases } from "./words.ts";

interface Everything {
  proofs: Proofs;
  served: Served | null;
  versions: Version[] | Error;
}

async function everything(): Promise<Everything> {
  const [proofs, served, history] = await Promise.all([
    get<Proofs>("proofs"),
    get<Served>("policy").catch((error: Refused) => (error.status === 404 ? null : Promise.reject(error))),
    get<{ versions: Version[] }>("policy/history").catch((error: Error) => error),
  ]);
  return { proofs, served, versions: history instanceof Error ? history : history.versions };
}

export function PolicyView() {
  const [turn, setTurn] = useState(0);
  const loaded = useLoaded(everything, [turn], 0);
  return (
    <>
      <div class="title"><h1>Policy</h1></div>
      <Shown loaded={loaded}>{(value) => <Whole {...value} again={() => setTurn(turn + 1)} />}</Shown>
    </>
  );
}

function Whole({ proofs, served, versions, again }: Everything & { again: () => void }) {
  const { policy } = proofs;
  const holding = proofs.proofs.filter((proof) => proof.holds).length;
  return (
    <>
      <p class="lead">{policy.name}, version {policy.version || "unnamed"}: {holding} of {proofs.proofs.length} promises proved.</p>
      <div class="two">
        <Panel title="Proved" note="over every state that the policy tells apart">
          <ul class="plain">
            {proofs.proofs.map((proof) => (
              <li><Status is={proof.holds ? "ok" : "fail"}>{proof.sentence}</Status><small>{count(proof.states)} states, digest <code>{policy.digest.slice(0, 12)}</code></small></li>
            ))}
          </ul>
        </Panel>
        <Panel title="History" note="the newest first">
          {versions instanceof Error ? <p><Status is="fail">The history cannot be read now: {versions.message}.</Status></p> : versions.length === 0 ? <p class="empty">Nothing has been served from a file yet.</p> : (
            <>
              <table><tbody>{versions.map((version) => <tr><th scope="row">v{version.version}</th><td>{instant(version.at)}</td><td>{version.author || version.source}<small>{version.note}</small></td><td><code>{version.digest.slice(0, 12)}</code></td></tr>)}</tbody></table>
              {versions.length > 1 ? <Change label="Roll back to the one before" act={() => post<Judged>("policy/rollback", { author: "dashboard", replaces: versions[0]!.digest })} again={again} /> : null}
            </>
          )}
        </Panel>
      </div>
      {served?.text ? <Editor text={served.text} replaces={served.digest ?? ""} again={again} /> : <Panel title="Text"><p class="empty">This gateway was not started from a policy file, so there is none to change here.</p></Panel>}
      <Panel title="In plain words"><pre>{proofs.prose}</pre></Panel>
    </>
  );
}

/** Check says what would be; apply is there once the very text has been checked. */
function Editor({ text, replaces, again }: { text: string; replaces: string; again: () => void }) {
  const [draft, setDraft] = useState(text);
  const [judged, setJudged] = useState<{ of: string; said: Judged; cases: Cases; backtest: Backtest } | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const check = async () => {
    setWrong("");
    setJudged(null);
    setIsBusy(true);
    try {
      const said = await post<Judged>("policy?dry_run=true", { text: draft });
      const cases = await post<Cases>("policy/test", { text: draft });
      const backtest = await post<Backtest>("policy/backtest", { text: draft });
      setJudged({ of: draft, said, cases, backtest });
    } catch (error) {
      setWrong((error as Error).message);
    }
    setIsBusy(false);
  };
  const isChecked = judged !== null && judged.of === draft && draft !== text;
  return (
    <Panel title="Text" note="change it, check it, apply it; the next request follows it">
      <label class="hidden" for="text">Policy, YAML</label>
      <textarea id="text" class="code" spellcheck={false} rows={22} value={draft} onInput={(event) => setDraft((event.target as HTMLTextAreaElement).value)} aria-describedby="wrong" aria-invalid={wrong !== ""} />
      <pre id="wrong" class="status fail" role="alert">{wrong}</pre>
      {isBusy ? <p class="loading" role="status">Proving it, trying its cases, deciding recorded requests again …</p> : null}
      {judged && judged.of === draft ? <Changes judged={judged.said} cases={judged.cases} backtest={judged.backtest} /> : null}
      <div class="buttons">
        <button type="button" onClick={() => void check()}>Check</button>
        <Change label="Apply" primary disabled={!isChecked} act={() => post<Judged>("policy", { text: draft, author: "dashboard", replaces })} again={again} />
        {draft === text ? null : <button type="button" onClick={() => setDraft(text)}>Put back</button>}
      </div>
    </Panel>
  );
}

function Changes({ judged, cases, backtest }: { judged: Judged; cases: Cases; backtest: Backtest }) {
  const failing = cases.cases.filter((each) => each.mistakes.length > 0);
  const { changes } = judged;
  const lines = changes ? [...changes.said, ...changes.routed] : [];
  return (
    <div class="changes" role="status">
      <Status is="ok">It is sound, and every promise is proved.</Status>
      <p><Status is={failing.length ? "fail" : "ok"}>{ofCases(cases)}</Status></p>
      {failing.length ? <ul>{failing.map((each) => <li>Line {each.line}, {each.name}: {each.mistakes.join("; ")}</li>)}</ul> : null}
      <p><Status is={backtest.new_egress ? "warn" : "ok"}>{ofBacktest(backtest)}</Status></p>
      {backtest.rerouted ? <Moved backtest={backtest} /> : null}
      {changes && lines.length === 0 ? <p>It decides every request as the one in use does.</p> : <ul>{lines.map((line) => <li>{line}</li>)}</ul>}
    </div>
  );
}

function Moved({ backtest }: { backtest: Backtest }) {
  return (
    <table>
      <thead><tr><th scope="col">Answered by</th><th scope="col" class="number">As recorded</th><th scope="col" class="number">Decided again</th></tr></thead>
      <tbody>{backtest.backends.map((each) => <tr><th scope="row">{each.name || "nobody"}</th><td class="number">{count(each.old)}</td><td class="number">{count(each.new)}</td></tr>)}</tbody>
    </table>
  );
}

function Change({ label, act, again, disabled = false, primary = false }: { label: string; act: () => Promise<Judged>; again: () => void; disabled?: boolean; primary?: boolean }) {
  const [said, setSaid] = useState("");
  const run = async () => {
    setSaid("");
    try {
      await act();
      again();
    } catch (error) {
      setSaid(error instanceof Refused ? error.message : "the gateway does not answer");
    }
  };
  return (
    <>
      <button type="button" class={primary ? "primary" : ""} disabled={disabled} onClick={() => void run()}>{label}</button>
      {said ? <span class="status fail" role="alert">{said}</span> : null}
    </>
  );
}
