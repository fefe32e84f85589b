// Every sensor of the site, the troubled ones first: what it says, how old that is, and how far it can be trusted.

import { computed, effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { age, measured, moment } from "./format";
import { GradeMark } from "./marks";
import { ask, now, selected, stale, tick } from "./state";
import { GRADES } from "./wire";
import type { Alarm, Grade, Page, Point, Tended } from "./wire";
import { say, sayCode } from "./words";

/** Whether the screen is open. */
export const looking = signal(false);

/** How far a sensor can be trusted, the worst first. */
export const STATES = ["no_data", "fault", "starting", "out_of_service", "calibrating", "doubt", "good"] as const;
export type State = (typeof STATES)[number];

/** Only sensors in this state; all where it is null. */
const only = signal<State | null>(null);

/** Pages that are asked for, a thousand sensors each. */
const PAGES_MAX = 50;
/** Rows that are drawn; more are counted. */
const ROWS_MAX = 500;
/** Asked again so long after the last answer: seldom where there is much to carry. */
const AGAIN = 10_000;

interface Row {
  point: Point;
  state: State;
  /** Why, in the language of the moment. */
  why: () => string;
  grade: Grade | null;
}

const rows = signal<Row[] | string | null>(null);

async function all<T>(path: string): Promise<T[] | string> {
  const found: T[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const from: string = after === null ? "" : `&after=${encodeURIComponent(after)}`;
    const answer = await ask<Page<T>>(`${path}?limit=1000${from}`);
    if ("failed" in answer) return answer.failed.detail;
    found.push(...answer.value.items);
    after = answer.value.next;
    if (after === null) break;
  }
  return found;
}

const key = (sensor: { station: string; point: string }): string => `${sensor.station}/${sensor.point}`;

const joined = (...words: (string | null | undefined)[]): string => words.filter(Boolean).join(" · ");

/** The highest of two grades. */
function higher(a: Grade | null, b: Grade | null): Grade | null {
  if (a === null || b === null) return a ?? b;
  return GRADES.indexOf(a) <= GRADES.indexOf(b) ? a : b;
}

function judge(point: Point, tended: Tended | undefined, alarms: Alarm[]): Row {
  const grade = alarms.reduce<Grade | null>((worst, alarm) => higher(worst, alarm.standing), null);
  const row = (state: State, why = () => ""): Row => ({ point, state, why, grade });
  const calibration = tended?.calibration ?? null;
  if (calibration !== null) return row("calibrating", () => joined(calibration.by, calibration.why));
  const out = alarms.find((alarm) => alarm.suppressed.some((it) => it.is === "out_of_service"));
  if (out !== undefined) return row("out_of_service");
  const latest = point.latest;
  if (latest === null) return row("starting");
  if (point.silent) return row("no_data", () => say("sensors.since", { time: moment(latest.received_at) }));
  const cause = alarms.find((alarm) => alarm.evidence.is === "fault")?.evidence.cause;
  if (cause !== undefined) return row("fault", () => sayCode("fault", cause));
  const { bad, flag } = latest;
  if (bad !== null) return row("fault", () => sayCode("bad", bad));
  const doubt = (): string => joined(sayCode("flag", flag), latest.checks.join(", "));
  if (flag === "fail" || flag === "missing") return row("fault", doubt);
  if (flag !== "good") return row("doubt", doubt);
  return row("good");
}

let asked = 0;

async function load(): Promise<void> {
  asked += 1;
  const mine = asked;
  const [points, tended, alarms] = await Promise.all([
    all<Point>("/api/v1/points"),
    all<Tended>("/api/v1/sensors"),
    all<Alarm>("/api/v1/alarms"),
  ]);
  if (mine !== asked) return;
  const failed = [points, tended, alarms].find((answer) => typeof answer === "string");
  if (typeof points === "string" || typeof tended === "string" || typeof alarms === "string") {
    rows.value = typeof failed === "string" ? failed : "";
    return;
  }
  const looked = new Map(tended.map((it) => [key(it), it]));
  const over = new Map<string, Alarm[]>();
  for (const alarm of alarms) {
    if (alarm.point !== null) over.set(key(alarm.point), [...(over.get(key(alarm.point)) ?? []), alarm]);
  }
  const judged = points.map((point) => judge(point, looked.get(key(point)), over.get(key(point)) ?? []));
  const rank = (row: Row): number => STATES.indexOf(row.state);
  const graded = (row: Row): number => (row.grade === null ? GRADES.length : GRADES.indexOf(row.grade));
  rows.value = judged.sort((a, b) => rank(a) - rank(b) || graded(a) - graded(b));
}

const counted = computed(() => {
  const by = new Map<State, number>();
  if (Array.isArray(rows.value)) for (const row of rows.value) by.set(row.state, (by.get(row.state) ?? 0) + 1);
  return by;
});

/** Opens the screen, on the sensors of one state or on all. */
export function look(state: State | null): void {
  only.value = state;
  looking.value = true;
}

// Whoever chooses a warning wants to see that.
effect(() => {
  if (selected.value !== null) looking.value = false;
});

function Choice({ state, count }: { state: State | null; count: number }) {
  return (
    <button type="button" class={`pick ${state ?? "all"}`} aria-pressed={only.value === state} onClick={() => (only.value = state)}>
      {state === null ? say("sensors.all") : say(`sensor.${state}`)} <b>{count}</b>
    </button>
  );
}

function Line({ row }: { row: Row }) {
  const { point, state, grade } = row;
  const why = row.why();
  const latest = point.latest;
  return (
    <tr class={`sensor ${state}`}>
      <td>
        <GradeMark grade={grade} size={16} />
      </td>
      <td>
        {point.station_name} <span class="muted">{point.point}</span>
      </td>
      <td class={`right ${state === "good" ? "" : "old"}`}>{measured(latest?.value, point.unit)}</td>
      <td class="right" title={latest === null ? undefined : moment(latest.observed_at)}>
        {latest === null ? "—" : age(now() - latest.observed_at)}
      </td>
      <td>
        <span class={`trust ${state}`}>{say(`sensor.${state}`)}</span>
        {why !== "" && <span class="muted"> {why}</span>}
      </td>
    </tr>
  );
}

function Table({ known }: { known: Row[] }) {
  void tick.value;
  const wanted = known.filter((row) => only.value === null || row.state === only.value);
  return (
    <>
      <nav class="picks" aria-label={say("sensors.filter")}>
        <Choice state={null} count={known.length} />
        {STATES.map((state) => (
          <Choice key={state} state={state} count={counted.value.get(state) ?? 0} />
        ))}
      </nav>
      {wanted.length === 0 && <p class="muted">{say("sensors.none")}</p>}
      {wanted.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>{say("sensors.grade")}</th>
              <th>{say("cause.point")}</th>
              <th class="right">{say("sensors.last")}</th>
              <th class="right">{say("sensors.age")}</th>
              <th>{say("sensors.trust")}</th>
            </tr>
          </thead>
          <tbody>
            {wanted.slice(0, ROWS_MAX).map((row) => (
              <Line key={key(row.point)} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {wanted.length > ROWS_MAX && <p class="muted">{say("sensors.more", { n: wanted.length - ROWS_MAX })}</p>}
    </>
  );
}

export function Sensors() {
  useEffect(() => {
    let timer: number | undefined;
    let open = true;
    const again = async (): Promise<void> => {
      if (!stale.peek()) await load();
      const pages = Array.isArray(rows.peek()) ? Math.ceil((rows.peek()?.length ?? 0) / 1_000) : 1;
      if (open) timer = window.setTimeout(() => void again(), AGAIN * Math.max(1, pages));
    };
    void again();
    return () => {
      open = false;
      window.clearTimeout(timer);
    };
  }, []);
  const known = rows.value;
  return (
    <main class="detail sensors" aria-label={say("sensors.title")}>
      <button type="button" class="back shown" onClick={() => (looking.value = false)}>
        ← {say("sensors.back")}
      </button>
      <h1>{say("sensors.title")}</h1>
      {known === null && <p class="muted">{say("detail.loading")}</p>}
      {typeof known === "string" && (
        <p class="trouble" role="alert">
          {say("detail.gone", { why: known })}
        </p>
      )}
      {Array.isArray(known) && <Table known={known} />}
    </main>
  );
}
