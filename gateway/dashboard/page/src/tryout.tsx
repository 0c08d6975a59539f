// A prompt, what would be believed of it and where it would go. Nothing is sent, and nothing of it is kept.

import { useState } from "preact/hooks";
import type { Tried } from "./api.ts";
import { Refused, post } from "./api.ts";
import { ClassMark, Panel, Status } from "./parts.tsx";
import { ofTried } from "./words.ts";

export function TryView() {
  const [prompt, setPrompt] = useState("");
  const [tried, setTried] = useState<Tried | null>(null);
  const [wrong, setWrong] = useState("");
  const run = async (event: Event) => {
    event.preventDefault();
    setWrong("");
    try {
      setTried(await post<Tried>("try", { prompt }));
    } catch (error) {
      setTried(null);
      setWrong(error instanceof Refused ? error.message : "the gateway does not answer");
    }
  };
  return (
    <>
      <div class="title"><h1>Try</h1></div>
      <Panel title="A prompt" note="it is classified and decided here, sent nowhere, and not kept">
        <form onSubmit={(event) => void run(event)}>
          <label class="hidden" for="prompt">Prompt</label>
          <textarea id="prompt" rows={5} value={prompt} onInput={(event) => setPrompt((event.target as HTMLTextAreaElement).value)} placeholder="My card is 4111 1111 1111 1111" />
          <div class="buttons"><button type="submit" class="primary" disabled={!prompt}>Decide</button></div>
          <p class="status fail" role="alert">{wrong}</p>
        </form>
      </Panel>
      {tried ? <Outcome t={tried} /> : null}
    </>
  );
}

function Outcome({ t }: { t: Tried }) {
  const found = Object.entries(t.findings).map(([kind, n]) => `${kind} ${n}`).join(", ");
  return (
    <>
      <p class="lead" role="status"><ClassMark level={t.sensitivity} bare /> {ofTried(t)}</p>
      <div class="two">
        <Panel title="Signals">
          <dl>
            <dt>Class</dt><dd><ClassMark level={t.sensitivity} /></dd>
            <dt>Rests on</dt><dd>{t.basis}</dd>
            <dt>Findings</dt><dd>{found || "none"}</dd>
            <dt>Not known</dt><dd>{t.unknown.join("; ") || "nothing"}</dd>
            <dt>Complexity</dt><dd>{t.complexity.toFixed(3)}, {t.tier}; medium from {t.medium_from}, hard from {t.hard_from}</dd>
            <dt>Prompt</dt><dd>about {t.prompt_tokens} tokens</dd>
          </dl>
        </Panel>
        <Panel title="Routes" note={`rule ${t.rule}`}>
          <ol class="routes">{t.routes.map((route) => <li>{route.backend} <small>{route.zone}{route.mask.length ? `, masked: ${route.mask.join(", ")}` : ""}</small></li>)}</ol>
          {t.excluded.map((each) => <p><Status is="fail">{each.backend}: {each.veto}</Status><small>{each.detail}</small></p>)}
        </Panel>
      </div>
      <Panel title="Why"><pre>{t.explained.join("\n")}</pre></Panel>
    </>
  );
}
