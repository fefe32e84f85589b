// What the daemon says, as it comes over the wire. Times are milliseconds since 1970 UTC.

export type Grade = "blue" | "yellow" | "orange" | "red";
export const GRADES: readonly Grade[] = ["red", "orange", "yellow", "blue"];
export type Bands = Record<Grade, number | null>;

export interface PointName {
  station: string;
  station_name: string;
  point: string;
  quantity: string;
  unit: string;
}

export interface Evidence {
  is: "good" | "degraded" | "fault" | "no_data" | "rule_error" | "starting" | "out_of_service" | "calibrating";
  cause?: string;
  since?: number;
  message?: string;
  left?: number;
  of?: number;
}

/** On the way to a higher grade: how far its delay has come, and when it is over if nothing changes. */
export interface Rising {
  grade: Grade;
  since: number;
  samples: number;
  of_samples: number | null;
  covered_ms: number;
  of_covered_ms: number | null;
  over_at: number | null;
  overdue_since: number | null;
}

/** On the way to a lower grade. */
export interface Recovering {
  towards: Grade | null;
  since: number;
  covered_ms: number;
  of_covered_ms: number;
  hold_left_ms: number;
  lower_at: number | null;
  overdue_since: number | null;
}

export interface Lead {
  rule: string;
  subject: string;
  name: string;
  grade: Grade | null;
  pending: Grade | null;
  rising: Rising | null;
  recovering: Recovering | null;
  value: number | null;
  threshold: number | null;
  unit: string;
  at: number;
  evidence: Evidence | null;
  point: PointName | null;
  plain: boolean;
  stale_after_ms: number | null;
}

export interface Publication {
  is: "none" | "released" | "ended";
  bulletin?: string;
  grade?: Grade;
  expires?: number;
  how?: "all_clear" | "cancelled" | "expired";
  at?: number;
}

export interface Waiting {
  class: string;
  grade: Grade | null;
  version: number;
  needs: "auto" | "one" | "two";
  signed: string[];
  since: number;
}

/** What is prepared to set right what the public was told; a person signs it. */
export interface Correction {
  class: string;
  grade: Grade | null;
  needs: "one" | "two";
  signed: string[];
  because: string;
}

/** Who of an audience was told first and last, counted from when the reading was heard. */
export interface Reached {
  first_channel: string | null;
  first_heard_ms: number | null;
  worst_channel: string | null;
  worst_heard_ms: number | null;
  unconfirmed: number;
}

export interface Told {
  observed_at: number;
  heard_at: number;
  internal: Reached | null;
  public: Reached | null;
}

export interface Summary {
  id: string;
  hazard: string;
  hazard_names: Record<string, string>;
  area: string;
  area_name: string;
  mode: "live" | "exercise" | "shadow";
  live: boolean;
  grade: Grade | null;
  peak: Grade;
  onset: number;
  opened_at: number;
  version: number;
  evidence_lost: number | null;
  publication: Publication;
  waiting: Waiting | null;
  correction?: Correction;
  told: Told | null;
  lead: Lead | null;
  standing: number;
  unacked: boolean;
  acked_by: string | null;
  receipts: { total: number; delivered: number; refused: number; failing: number };
}

export interface Attention {
  is: "quiet" | "unacked" | "acked";
  since?: number;
  by?: string;
  at?: number;
}

export interface Cause {
  station: string;
  station_name: string;
  point: string;
  unit: string;
  at: number;
  value: number;
  flag: string;
  checks: string[];
}

/** A point with its last word. */
export interface Point extends PointName {
  interval_ms: number;
  latest: {
    observed_at: number;
    received_at: number;
    value: number | null;
    bad: string | null;
    flag: "good" | "not_evaluated" | "suspect" | "fail" | "missing";
    checks: string[];
  } | null;
  silent: boolean;
}

/** A sensor that people look after. */
export interface Tended {
  station: string;
  point: string;
  calibration: { since: number; by?: string | null; why: string } | null;
}

export interface Alarm {
  rule: string;
  subject: string;
  name: string;
  standing: Grade | null;
  pending: Grade | null;
  rising: Rising | null;
  recovering: Recovering | null;
  evidence: Evidence;
  evidence_lost: boolean;
  evidence_since: number;
  lost_rising: Grade | null;
  incident: string | null;
  attention: Attention;
  fault_attention: Attention;
  suppressed: { is: string }[];
  onset: number;
  at: number;
  value: number | null;
  threshold: number | null;
  unit: string;
  revision: string;
  causes: Cause[];
  point: PointName | null;
  bands: Bands | null;
  response: string;
  consequence: string;
  time_to_respond_ms: number | null;
}

export interface Bulletin {
  id: string;
  class: string;
  audience: "internal" | "public";
  status: string;
  grade: Grade;
  sent: number;
  expires: number;
  note: string | null;
  evidence_lost: number | null;
  texts: { language: string; event: string; headline: string; description: string; instruction: string }[];
}

export interface Outcome {
  is: "delivered" | "failing" | "refused";
  reference?: string | null;
  coverage?: number | null;
  reason?: string;
}

export interface Notice {
  id: string;
  channel: string;
  bulletin: string;
  audience: string;
  issued_at: number;
  attempts: number;
  receipt: { at: number; attempts: number; outcome: Outcome } | null;
  /** Each attempt, in order; of very many the first and the last. */
  tried?: { at: number; outcome: Outcome }[];
}

export interface Entry {
  at: number;
  what: string;
  who: string | null;
  note: string;
}

export type Right = "look" | "acknowledge" | "release" | "cancel" | "set_grade" | "configure" | "list_people" | "manage_people";

/** Who one is. */
export interface Session {
  account: { name: string; display: string; is: "person" | "machine"; role: string } | null;
  rights: Right[];
  by: "console" | "cli" | "token" | "anonymous" | "demo" | null;
  /** Whether each act names the person it is done for. */
  acts_for: boolean;
  idle: boolean;
  /** Whether the first account is still to be made. */
  first: boolean;
}

export interface Detail extends Summary {
  /** What whoever asks may do here. */
  may: Right[];
  alarms: Alarm[];
  bulletins: Bulletin[];
  notices: Notice[];
  timeline: Entry[];
}

export interface Site {
  name: string;
  issuer: string;
  zone: string;
  offset_seconds: number;
  test: { mark: string; note: string } | null;
  revision: string;
  version: string;
  stations: number;
  points: number;
}

export interface Source {
  name: string;
  kind: string;
  connected: boolean;
  last_heard: number | null;
}

export interface Store {
  name: string;
  up: boolean;
  lag_rows: number;
}

/** Something that many sensors share and that is in trouble. */
export interface Incident {
  id: string;
  kind: "link" | "gateway" | "power" | "logger" | "station" | "host_clock" | "judging" | "unwatched";
  name: string;
  since: number;
  until: number | null;
  urgent: boolean;
  attention: Attention;
  reason: string;
  count: number;
  sensors: { station: string; station_name: string; point: string }[];
}

/** How a hazard is looked out for in an area; without a hazard, no rule does. */
export interface Watch {
  hazard: string | null;
  hazard_names: Record<string, string>;
  area: string;
  area_name: string;
  live: number;
  of: number;
  needs: number;
}

export interface Beat {
  now: number;
  desk_alive: boolean;
  field: { points: number; silent: number; heard_at: number | null };
  sources: Source[];
  stores: Store[];
  incidents: Incident[];
  incidents_open: number;
  unwatched: Watch[];
  places_unwatched: number;
}

/** `[station, point, observed_at, value, QARTOD flag]`. */
export type PointEvent = [string, string, number, number | null, number];

export interface Snapshot {
  now: number;
  site: Site;
  version: number;
  warnings: Summary[];
  points: PointEvent[];
  unjournaled: number;
}

export interface DeskEvent {
  version: number;
  at: number;
  changed: Summary[];
  gone: string[];
  unjournaled: number;
}

export interface Readings extends PointName {
  from: number;
  to: number;
  thresholds: Bands;
  direction: "rising" | "falling";
  samples: [number, number | null, number][];
}

/** A page of a long list; `next` is where the next one begins. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Problem {
  status: number;
  title: string;
  detail: string;
  refusal?: { refused: string; seen?: number; now?: number };
}
