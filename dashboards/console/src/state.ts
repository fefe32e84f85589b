// What this screen knows: what the stream brought, how old it is, and what the officer is looking at.

import { batch, computed, effect, signal } from "@preact/signals";
import { GRADES } from "./wire";
import type { Beat, DeskEvent, Detail, Grade, PointEvent, Problem, Site, Snapshot, Summary } from "./wire";

/** A beat comes every 4 s: three missing ones mean that what is shown is old. */
const STALE_AFTER = 12_000;
/** A stream the browser has given up on is opened again after this. */
const AGAIN_AFTER = 3_000;

export interface LastWord {
  at: number;
  value: number | null;
  flag: number;
}

export const site = signal<Site | null>(null);
export const warnings = signal<ReadonlyMap<string, Summary>>(new Map());
export const lastWords = signal<ReadonlyMap<string, LastWord>>(new Map());
export const beat = signal<Beat | null>(null);
export const unjournaled = signal(0);
export const selected = signal<string | null>(null);
export const detail = signal<Detail | null>(null);
export const missing = signal<Problem | null>(null);

/** Ticks once a second, so that ages grow. */
export const tick = signal(0);

// The daemon's clock when we last heard it, and ours at that moment. The wall may be set, and the monotonic clock may
// sleep with the machine: whichever says more time has passed is believed.
let daemonThen = 0;
let wallThen = 0;
let steadyThen = 0;

function sinceHeard(): number {
  return Math.max(Date.now() - wallThen, performance.now() - steadyThen, 0);
}

function heard(now?: number): void {
  wallThen = Date.now();
  steadyThen = performance.now();
  if (now !== undefined) daemonThen = now;
  stale.value = false;
}

/** Milliseconds since anything came; what is on the screen is so old. */
export const age = computed(() => (tick.value, sinceHeard()));
export const stale = signal(false);
export const everHeard = computed(() => site.value !== null);

/** The daemon's time now. */
export function now(): number {
  void tick.value;
  return daemonThen + (stale.value ? 0 : Math.min(sinceHeard(), STALE_AFTER));
}

/** When what is shown was true. */
export function shownAt(): number {
  return daemonThen;
}

const rank = (warning: Summary): number => (warning.grade === null ? 9 : GRADES.indexOf(warning.grade));

export const live = computed(() =>
  [...warnings.value.values()]
    .filter((warning) => warning.live)
    .sort((a, b) => rank(a) - rank(b) || Number(b.unacked) - Number(a.unacked) || b.opened_at - a.opened_at),
);
export const ended = computed(() =>
  [...warnings.value.values()]
    .filter((warning) => !warning.live)
    .sort((a, b) => (b.publication.at ?? b.opened_at) - (a.publication.at ?? a.opened_at)),
);
export const counts = computed(() => {
  const by: Record<Grade, number> = { red: 0, orange: 0, yellow: 0, blue: 0 };
  for (const warning of live.value) if (warning.grade !== null) by[warning.grade] += 1;
  return by;
});

const key = (station: string, point: string): string => `${station}/${point}`;

export function lastWord(station: string, point: string): LastWord | undefined {
  return lastWords.value.get(key(station, point));
}

function takePoints(events: PointEvent[], before: ReadonlyMap<string, LastWord>): void {
  const next = new Map(before);
  for (const [station, point, at, value, flag] of events) next.set(key(station, point), { at, value, flag });
  lastWords.value = next;
}

function onSnapshot(snapshot: Snapshot): void {
  batch(() => {
    heard(snapshot.now);
    site.value = snapshot.site;
    warnings.value = new Map(snapshot.warnings.map((warning) => [warning.id, warning]));
    unjournaled.value = snapshot.unjournaled;
    takePoints(snapshot.points, new Map());
  });
}

function onDesk(event: DeskEvent): void {
  batch(() => {
    heard();
    const next = new Map(warnings.value);
    for (const id of event.gone) next.delete(id);
    for (const warning of event.changed) next.set(warning.id, warning);
    warnings.value = next;
    unjournaled.value = event.unjournaled;
  });
}

/** What to do when the daemon refuses the stream. */
let refused: () => void = () => {};

/** Opens the stream and keeps it open. */
export function listen(): void {
  const stream = new EventSource("/api/v1/stream");
  const on = <T>(kind: string, take: (data: T) => void): void =>
    stream.addEventListener(kind, (event) => take(JSON.parse((event as MessageEvent<string>).data) as T));
  on("snapshot", onSnapshot);
  on("desk", onDesk);
  on("points", (events: PointEvent[]) => {
    heard();
    takePoints(events, lastWords.value);
  });
  on("beat", (said: Beat) =>
    batch(() => {
      heard(said.now);
      beat.value = said;
    }),
  );
  stream.onerror = () => {
    // Anything but "trying again by itself": refused, such as by a proxy in between, or because nobody is signed in.
    if (stream.readyState === EventSource.CLOSED) setTimeout(refused, AGAIN_AFTER);
  };
}

/** Starts what runs by itself; `again` decides what becomes of a stream that was refused. */
export function start(again: () => void): void {
  refused = again;
  steadyThen = performance.now();
  wallThen = Date.now();
  setInterval(() => {
    batch(() => {
      stale.value = sinceHeard() > STALE_AFTER;
      tick.value += 1;
    });
  }, 1_000);
  // The first in the list is looked at until somebody chooses.
  effect(() => {
    const first = live.value[0];
    if (selected.value === null && first !== undefined && window.innerWidth > 900) selected.value = first.id;
  });
  // The whole story of the one looked at, each time its summary changes.
  effect(() => {
    const id = selected.value;
    if (id === null) {
      detail.value = null;
      return;
    }
    void warnings.value.get(id);
    void fetchDetail(id);
  });
}

let asked = 0;

async function fetchDetail(id: string): Promise<void> {
  asked += 1;
  const mine = asked;
  const answer = await ask<Detail>(`/api/v1/warnings/${encodeURIComponent(id)}`);
  // A later question has been asked meanwhile: its answer counts.
  if (mine !== asked) return;
  batch(() => {
    if ("failed" in answer) {
      missing.value = answer.failed;
      if (detail.peek()?.id !== id) detail.value = null;
    } else {
      missing.value = null;
      detail.value = answer.value;
    }
  });
}

export type Answer<T> = { value: T } | { failed: Problem };

/** Asks the daemon; every failure comes back in words. */
export async function ask<T>(path: string, init?: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(path, { ...init, signal: AbortSignal.timeout(15_000) });
    const text = await response.text();
    if (response.ok) return { value: (text === "" ? null : JSON.parse(text)) as T };
    try {
      return { failed: JSON.parse(text) as Problem };
    } catch {
      return { failed: { status: response.status, title: response.statusText, detail: text.slice(0, 200) } };
    }
  } catch (error) {
    return { failed: { status: 0, title: "", detail: error instanceof Error ? error.message : String(error) } };
  }
}

/** Moves the selection in the list by so many places. */
export function move(by: number): void {
  const list = live.value;
  if (list.length === 0) return;
  const at = list.findIndex((warning) => warning.id === selected.value);
  const next = list[Math.min(Math.max(at + by, 0), list.length - 1)];
  if (next !== undefined) selected.value = next.id;
}
