// What is being warned of now, worst first; and, when nothing is, whether that silence can be trusted.

import { useState } from "preact/hooks";
import { age, clock, measured, moment, number } from "./format";
import { HeadingMark } from "./heading";
import { GradeMark } from "./marks";
import { Report } from "./report";
import { look, looking } from "./sensors";
import { may } from "./session";
import { beat, ended, lastWord, live, now, selected, stale, tick } from "./state";
import type { Incident, Summary } from "./wire";
import { WishForm } from "./wish";
import { inLanguage, say, sayCode } from "./words";

/** Where a warning stands on its way to the public. */
export function stateOf(warning: Summary): { text: string; tone: "wait" | "out" | "in" | "over" } {
  const { publication, waiting } = warning;
  if (publication.is === "ended") return { text: sayCode("state", publication.how ?? "expired"), tone: "over" };
  if (waiting !== null) {
    const text = say("state.waiting", { class: sayCode("class", waiting.class) });
    const signed = waiting.needs === "two" ? ` · ${say("state.signed", { n: waiting.signed.length, of: 2 })}` : "";
    return { text: text + signed, tone: "wait" };
  }
  if (warning.correction !== undefined) {
    return { text: say("state.correction", { class: sayCode("class", warning.correction.class) }), tone: "wait" };
  }
  if (publication.is === "released") return { text: say("state.released"), tone: "out" };
  return { text: say("state.internal"), tone: "in" };
}

export function StateChip({ warning }: { warning: Summary }) {
  const { text, tone } = stateOf(warning);
  return <span class={`chip ${tone}`}>{text}</span>;
}

export function ReceiptsLine({ warning }: { warning: Summary }) {
  const { total, delivered, refused, failing } = warning.receipts;
  if (total === 0) return <span class="muted">{say("receipts.none")}</span>;
  return (
    <span class={refused > 0 ? "receipts bad" : failing > 0 ? "receipts doubt" : "receipts"}>
      {say("receipts")} {delivered}/{total} ✓{failing > 0 && ` · ${say("receipts.failing", { n: failing })}`}
      {refused > 0 && ` · ✗ ${say("receipts.refused", { n: refused })}`}
    </span>
  );
}

export function hazardName(warning: Summary): string {
  return inLanguage(warning.hazard_names, warning.hazard);
}

export interface Shown {
  value: number | null;
  at: number | null;
  /** `now` is the point's last word and fresh; `last` is its last word and old; `then` is what was judged. */
  is: "now" | "last" | "then";
}

/** The present value where the point's own is what is judged, else the one that was; an old one is never called present. */
export function presentValue(warning: Summary): Shown {
  const lead = warning.lead;
  if (lead === null) return { value: null, at: null, is: "then" };
  const last = lead.plain && lead.point !== null ? lastWord(lead.point.station, lead.point.point) : undefined;
  if (last === undefined) return { value: lead.value, at: lead.at, is: "then" };
  const silent = last.value === null || (lead.stale_after_ms !== null && now() - last.at > lead.stale_after_ms);
  const lost = warning.evidence_lost !== null && lead.evidence?.is !== "good";
  return { value: last.value ?? lead.value, at: last.at, is: silent || lost || stale.value ? "last" : "now" };
}

function choose(id: string): void {
  looking.value = false;
  selected.value = id;
}

function Card({ warning }: { warning: Summary }) {
  void tick.value;
  const lead = warning.lead;
  const { value, is } = presentValue(warning);
  const chosen = selected.value === warning.id;
  return (
    <li>
      <button
        type="button"
        class={`card grade-${warning.live ? (warning.grade ?? "none") : "none"} ${warning.unacked && warning.live ? "unacked" : ""} ${chosen ? "chosen" : ""}`}
        aria-current={chosen}
        onClick={() => choose(warning.id)}
      >
        <span class="card-head">
          <GradeMark grade={warning.live ? warning.grade : null} />
          <b class="hazard">{hazardName(warning)}</b>
          <span class="area">{warning.area_name}</span>
          <span class="since">
            {warning.live ? age(now() - warning.onset) : moment(warning.publication.at ?? warning.opened_at)}
          </span>
        </span>
        {warning.live && lead !== null && (
          <span class="card-value">
            <span class="who">{lead.name}</span>
            <span class={`figure ${is}`}>{measured(value, lead.unit)}</span>
            <span class="against">
              {lead.threshold !== null && `${say("value.threshold")} ${number(lead.threshold)}`}
              <HeadingMark on={lead} />
            </span>
          </span>
        )}
        {warning.live && warning.evidence_lost !== null && (
          <span class="held">
            ⊘ {say("held")} · {clock(warning.evidence_lost)}
          </span>
        )}
        <span class="card-foot">
          <StateChip warning={warning} />
          {warning.live && <ReceiptsLine warning={warning} />}
          {warning.live && (warning.unacked || warning.acked_by !== null) && (
            <span class={warning.unacked ? "noted needed" : "noted muted"}>
              {warning.unacked ? `● ${say("list.unacked")}` : say("list.acked", { who: warning.acked_by ?? "" })}
            </span>
          )}
        </span>
      </button>
    </li>
  );
}

function Quiet() {
  const said = beat.value;
  if (said === null) return null;
  const down = said.sources.filter((source) => !source.connected).length;
  const good = said.field.silent === 0 && down === 0 && said.desk_alive && said.places_unwatched === 0;
  return (
    <p class={good ? "quiet" : "quiet bad"}>
      {good
        ? say("list.quiet.good", { points: said.field.points, sources: said.sources.length })
        : say("list.quiet.bad", { silent: said.field.silent, down, unwatched: said.places_unwatched })}
    </p>
  );
}

function Trouble({ incident }: { incident: Incident }) {
  const [noting, setNoting] = useState(false);
  const until = incident.until === null ? say("incident.lasts") : moment(incident.until);
  const sensors = incident.sensors.map((sensor) => `${sensor.station_name} ${sensor.point}`).join(say("list.comma"));
  return (
    <li class={`incident ${incident.urgent ? "urgent" : ""}`} title={[incident.reason, sensors].filter(Boolean).join(" · ")}>
      <b>
        {sayCode("incident", incident.kind)} {incident.name}
      </b>
      <span>
        {moment(incident.since)} – {until}
      </span>
      {incident.count > 0 && <span class="muted">{say("incident.sensors", { n: incident.count })}</span>}
      {incident.attention.is === "unacked" && <span class="noted needed">● {say("list.unacked")}</span>}
      {incident.attention.is === "acked" && <span class="noted muted">{say("list.acked", { who: incident.attention.by ?? "" })}</span>}
      {incident.attention.is === "unacked" && may("acknowledge") && (
        <button type="button" class="do ack" aria-expanded={noting} disabled={stale.value} onClick={() => setNoting(!noting)}>
          {say("do.ack")}
        </button>
      )}
      {noting && (
        <WishForm<unknown>
          look="ack"
          meaning={say("do.note.means")}
          word={say("do.ack")}
          path={`/api/v1/incidents/${encodeURIComponent(incident.id)}/ack`}
          body={() => ({ body: {} })}
          done={() => setNoting(false)}
          back={() => setNoting(false)}
        />
      )}
    </li>
  );
}

/** What many sensors share and is in trouble: one line each, with its time range. */
function Incidents() {
  const said = beat.value;
  if (said === null || said.incidents.length === 0) return null;
  return (
    <section class="incidents">
      <h2>
        {say("list.incidents")} <span class="muted">{said.incidents_open}</span>
      </h2>
      <ul>
        {said.incidents.map((incident) => (
          <Trouble key={incident.id} incident={incident} />
        ))}
      </ul>
    </section>
  );
}

export function List() {
  return (
    <nav class="list" aria-label={say("list.title")}>
      <h2>
        {say("list.title")} <span class="muted">{live.value.length}</span>
      </h2>
      <Report />
      <button type="button" class="do opens" aria-pressed={looking.value} onClick={() => (looking.value ? (looking.value = false) : look(null))}>
        {say("sensors.title")} <kbd>S</kbd>
      </button>
      {live.value.length === 0 && <p class="none">{say("list.none")}</p>}
      {live.value.length === 0 && <Quiet />}
      <ul>
        {live.value.map((warning) => (
          <Card key={warning.id} warning={warning} />
        ))}
      </ul>
      <Incidents />
      {ended.value.length > 0 && (
        <details class="ended">
          <summary>
            {say("list.ended")} <span class="muted">{ended.value.length}</span>
          </summary>
          <ul>
            {ended.value.map((warning) => (
              <Card key={warning.id} warning={warning} />
            ))}
          </ul>
        </details>
      )}
    </nav>
  );
}
