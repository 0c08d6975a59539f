// The frame: navigation, addresses, keyboard.

import "@fontsource-variable/inter";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { BackendsView } from "./backends.tsx";
import { BudgetsView } from "./budgets.tsx";
import { DecisionView, DecisionsView } from "./decisions.tsx";
import { OverviewView } from "./overview.tsx";
import { PolicyView } from "./policy.tsx";
import { QualityView } from "./quality.tsx";
import "./style.css";
import { TryView } from "./tryout.tsx";

const VIEWS: [string, string, string][] = [
  ["/dashboard", "Overview", "o"],
  ["/dashboard/decisions", "Decisions", "d"],
  ["/dashboard/policy", "Policy", "p"],
  ["/dashboard/backends", "Backends", "b"],
  ["/dashboard/budgets", "Budgets", "u"],
  ["/dashboard/quality", "Quality", "q"],
  ["/dashboard/try", "Try", "t"],
];

function Page() {
  const [place, setPlace] = useState(location.pathname + location.search);
  const go = (to: string) => {
    history.pushState(null, "", to);
    setPlace(to);
  };
  useEffect(() => {
    const back = () => setPlace(location.pathname + location.search);
    const follow = (event: MouseEvent) => {
      const link = (event.target as Element).closest?.("a");
      if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      if (link.origin !== location.origin || !link.pathname.startsWith("/dashboard")) return;
      event.preventDefault();
      go(link.pathname + link.search);
      scrollTo(0, 0);
    };
    let first = "";
    const key = (event: KeyboardEvent) => {
      if ((event.target as Element).closest?.("input, textarea, select") || event.metaKey || event.ctrlKey || event.altKey) return;
      const view = first === "g" ? VIEWS.find(([, , letter]) => letter === event.key) : undefined;
      if (view) go(view[0]);
      first = event.key;
    };
    addEventListener("popstate", back);
    document.addEventListener("click", follow);
    document.addEventListener("keydown", key);
    return () => {
      removeEventListener("popstate", back);
      document.removeEventListener("click", follow);
      document.removeEventListener("keydown", key);
    };
  }, []);
  const url = new URL(place, location.origin);
  const path = url.pathname.replace(/\/$/, "");
  const now = [...VIEWS].reverse().find(([start]) => path === start || path.startsWith(`${start}/`)) ?? VIEWS[0]!;
  useEffect(() => {
    document.title = `${now[1]} · Gateway`;
  }, [now[1]]);
  return (
    <>
      <a class="skip" href="#main">To the figures</a>
      <nav aria-label="Views">
        <p class="brand">Gateway</p>
        {VIEWS.map(([to, name, letter]) => <a href={to} aria-current={to === now[0] ? "page" : undefined} aria-keyshortcuts={`g ${letter}`}>{name}</a>)}
      </nav>
      <main id="main">{view(path, url.searchParams, go)}</main>
    </>
  );
}

function view(path: string, query: URLSearchParams, go: (to: string) => void) {
  const [, , name, id] = path.split("/");
  switch (name) {
    case "decisions":
      return id ? <DecisionView id={decodeURIComponent(id)} /> : <DecisionsView query={query} go={go} />;
    case "policy":
      return <PolicyView />;
    case "backends":
      return <BackendsView />;
    case "budgets":
      return <BudgetsView />;
    case "quality":
      return <QualityView />;
    case "try":
      return <TryView />;
    default:
      return <OverviewView query={query} go={go} />;
  }
}

const theme = new URLSearchParams(location.search).get("theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
render(<Page />, document.getElementById("page")!);
