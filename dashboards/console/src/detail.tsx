// One warning, whole: what it says, on what ground, what to do about it, who was told, and what has happened.

import { useEffect, useState } from "preact/hooks";
import { Acts } from "./acts";
import { Chart } from "./chart";
import { Evidence } from "./evidence";
import { age, clock, measured, moment, number } from "./format";
import { headings } from "./heading";
import { presentValue, ReceiptsLine, StateChip, hazardName } from "./list";
import { GradeMark, Mark, NUMERAL } from "./marks";
import { Papers } from "./papers";
import { detail, missing, now, selected, tick, warnings } from "./state";
import { Story } from "./story";
import type { Alarm, Summary } from "./wire";
import { say } from "./words";

function Headline({ warning }: { warning: Summary }) {
  void tick.value;
  const lead = warning.lead;
  const { value, at, is } = presentValue(warning);
  const over = value !== null && lead?.threshold != null ? value - lead.threshold : null;
  return (
    <header class={`headline grade-${warning.live ? (warning.grade ?? "none") : "none"}`}>
      <button type="button" class="back" onClick={() => (selected.value = null)}>
        ‹ {say("detail.back")}
      </button>
      <div class="headline-row">
        <Mark grade={warning.live ? warning.grade : null} size={44} />
        <div>
          <h1>
            {warning.live && warning.grade !== null && `${NUMERAL[warning.grade]} ${say(`grade.${warning.grade}`)} · `}
            {hazardName(warning)} · {warning.area_name}
          </h1>
          <p class="under">
            {warning.live && warning.grade !== null && <b class="verb">{say(`act.${warning.grade}`)}</b>}
            <StateChip warning={warning} />
            <ReceiptsLine warning={warning} />
            <span class="muted">
              {warning.id} · {say("detail.version", { n: warning.version })}
            </span>
          </p>
        </div>
      </div>
      {warning.live && warning.evidence_lost !== null && (
        <p class="held wide" role="alert">
          <b>⊘ {say("held")}</b> {say("held.long", { time: clock(warning.evidence_lost) })}
        </p>
      )}
      {lead !== null && warning.live && (
        <dl class="figures">
          <div class="main-figure">
            <dt>
              {lead.name} · {say(`value.${is}`)} {at !== null && clock(at)}
              {is === "last" && at !== null && ` · ${say("top.ago", { age: age(now() - at) })}`}
            </dt>
            <dd class={is}>{measured(value, lead.unit)}</dd>
          </div>
          {lead.threshold !== null && (
            <div>
              <dt>
                {say("value.threshold")} {lead.grade !== null && <GradeMark grade={lead.grade} size={14} />}
              </dt>
              <dd>{measured(lead.threshold, lead.unit)}</dd>
            </div>
          )}
          {over !== null && lead.grade !== null && (
            <div>
              <dt>{say("value.over")}</dt>
              <dd>
                {over >= 0 ? "+" : "−"}
                {number(Math.abs(over))}
              </dd>
            </div>
          )}
          <div>
            <dt>{say("value.since")}</dt>
            <dd title={moment(warning.onset)}>{age(now() - warning.onset)}</dd>
          </div>
          {headings(lead).map((said) => (
            <div class="pending" key={said}>
              <dt>&nbsp;</dt>
              <dd>{said}</dd>
            </div>
          ))}
        </dl>
      )}
    </header>
  );
}

function Guidance({ alarm }: { alarm: Alarm }) {
  if (alarm.response === "" && alarm.consequence === "") return null;
  return (
    <p class="guidance">
      {alarm.response !== "" && (
        <span>
          <b>{say("rule.response")}</b> {alarm.response}
        </span>
      )}
      {alarm.consequence !== "" && (
        <span>
          <b>{say("rule.consequence")}</b> {alarm.consequence}
        </span>
      )}
      {alarm.time_to_respond_ms !== null && (
        <span>
          <b>{say("rule.time")}</b> {age(alarm.time_to_respond_ms)}
        </span>
      )}
    </p>
  );
}

export function Detail() {
  const id = selected.value;
  const warning = id === null ? undefined : warnings.value.get(id);
  const whole = detail.value !== null && detail.value.id === id ? detail.value : null;
  // Which alarm is drawn: the leading one until another is chosen.
  const [drawn, draw] = useState<string | null>(null);
  useEffect(() => draw(null), [id]);
  if (id === null) return <main class="detail empty">{say("detail.none")}</main>;
  const shown = warning ?? whole;
  if (shown === undefined || shown === null) {
    const why = missing.value?.detail;
    return (
      <main class="detail empty">
        <button type="button" class="back" onClick={() => (selected.value = null)}>
          ‹ {say("detail.back")}
        </button>
        {why === undefined ? say("detail.loading") : say("detail.gone", { why })}
      </main>
    );
  }
  const alarms = whole?.alarms ?? [];
  const leading = alarms.find((alarm) => alarm.rule === shown.lead?.rule && alarm.subject === shown.lead?.subject);
  const alarm = alarms.find((known) => `${known.rule}|${known.subject}` === drawn) ?? leading ?? alarms[0];
  return (
    <main class="detail" tabIndex={-1}>
      <Headline warning={shown} />
      {alarm !== undefined && shown.live && <Guidance alarm={alarm} />}
      {shown.live && <Acts key={shown.id} warning={shown} />}
      {alarm !== undefined && <Chart key={`${alarm.rule}|${alarm.subject}`} alarm={alarm} />}
      {whole !== null && (
        <div class="columns">
          <Evidence alarms={alarms} drawn={alarm} draw={draw} />
          <Papers detail={whole} />
          <Story entries={whole.timeline} />
        </div>
      )}
    </main>
  );
}
