// The console: one page for the duty officer.

import { effect } from "@preact/signals";
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import { mayHere, opened } from "./acts";
import "./console.css";
import { Detail } from "./detail";
import { List } from "./list";
import { NUMERAL } from "./marks";
import { taking } from "./report";
import { Sensors, look, looking } from "./sensors";
import { Door, locked, lost, may, mayLook, refresh, session, touched } from "./session";
import { counts, detail, everHeard, listen, move, selected, stale, start, warnings } from "./state";
import { GRADES } from "./wire";
import { Banners, Top } from "./top";
import { language, say, switchLanguage } from "./words";

function Console() {
  if (session.value !== null && !mayLook.value) return <Door />;
  return (
    <div class={`console ${stale.value && everHeard.value ? "is-stale" : ""} ${selected.value === null && !looking.value ? "at-list" : "at-detail"}`}>
      <Top />
      <Banners />
      <div class="body">
        <List />
        {looking.value ? <Sensors /> : <Detail />}
      </div>
      <footer class="foot">{say("keys")}</footer>
      {locked.value && <Door />}
    </div>
  );
}

const KEYS: Record<string, () => void> = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  a: () => act("ack"),
  r: () => act("release"),
  s: () => (looking.value ? (looking.value = false) : look(null)),
  l: switchLanguage,
  t: () => (taking.value = may("set_grade") && !stale.value),
};

function act(which: "ack" | "release"): void {
  const warning = selected.value === null ? undefined : warnings.value.get(selected.value);
  if (warning === undefined || !warning.live || stale.value) return;
  if (which === "release" && warning.waiting === null) return;
  if (!mayHere(which, detail.value)) return;
  opened.value = which;
}

document.addEventListener("pointerdown", touched);
document.addEventListener("keydown", (event) => {
  touched();
  if (event.key === "Escape") {
    if (locked.value) locked.value = false;
    else if (taking.value) taking.value = false;
    else if (looking.value) looking.value = false;
    else if (opened.value !== null) opened.value = null;
    else if (window.innerWidth <= 900) selected.value = null;
    return;
  }
  const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select") !== null;
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const does = KEYS[event.key];
  if (does !== undefined) {
    event.preventDefault();
    does();
  }
});

// The tab says what the page says: a red is seen from another tab, and old data is not mistaken for calm.
effect(() => {
  document.documentElement.lang = language.value;
  const marks = GRADES.filter((grade) => counts.value[grade] > 0).map((grade) => `${NUMERAL[grade]}${counts.value[grade]}`);
  document.title = stale.value ? `⚠ watchfire` : [...marks, "watchfire"].join(" ");
});

// The stream opens as soon as somebody may look, and again whenever it was refused and they still may.
let open = false;
effect(() => {
  if (mayLook.value && !open) {
    open = true;
    listen();
  }
});
const again = async (): Promise<void> => {
  open = false;
  await lost();
  locked.value = false;
  if (mayLook.value && !open) {
    open = true;
    listen();
  } else if (session.value === null) setTimeout(() => void again(), 3_000);
};
const meet = async (): Promise<void> => {
  await refresh();
  if (session.value === null) setTimeout(() => void meet(), 3_000);
};
start(() => void again());
void meet();
const at = document.getElementById("console");
if (at !== null) render(<Console />, at);
