// On what ground a grade stands: each alarm, how good its evidence is, and the readings it was judged on.

import { clock, measured, moment } from "./format";
import { headings } from "./heading";
import { GradeMark } from "./marks";
import type { Alarm, Evidence as Ground } from "./wire";
import { say, sayCode } from "./words";

/** Three words for evidence; the cause comes with them. */
function ground(evidence: Ground): { word: string; tone: string; cause: string } {
  const fill = {
    cause: sayCode("fault", evidence.cause ?? ""),
    time: evidence.since === undefined ? "" : clock(evidence.since),
    message: evidence.message ?? "",
    left: evidence.left ?? "",
    of: evidence.of ?? "",
  };
  const cause = say(`evidence.is.${evidence.is}`, fill);
  switch (evidence.is) {
    case "good":
      return { word: say("evidence.good"), tone: "good", cause };
    case "degraded":
    case "fault":
    case "rule_error":
    case "calibrating":
      return { word: say("evidence.doubt"), tone: "doubt", cause };
    case "no_data":
    case "starting":
    case "out_of_service":
      return { word: say("evidence.none"), tone: "none", cause };
  }
}

function Row({ alarm, drawn, draw }: { alarm: Alarm; drawn: boolean; draw: () => void }) {
  const { word, tone, cause } = ground(alarm.evidence);
  return (
    <li class={drawn ? "alarm drawn" : "alarm"}>
      <button type="button" class="alarm-head" aria-pressed={drawn} onClick={draw}>
        <GradeMark grade={alarm.standing} size={18} />
        <b>{alarm.name}</b>
        <span>
          {measured(alarm.value, alarm.unit)}
          {alarm.threshold !== null && <span class="muted"> / {measured(alarm.threshold, alarm.unit)}</span>}
        </span>
        <span class={`ground ${tone}`}>{word}</span>
      </button>
      <p class={`cause ${tone}`}>
        {cause} · {say("alarm.rule")} {alarm.rule} · {say("alarm.revision", { id: alarm.revision })}
      </p>
      {headings(alarm).map((said) => (
        <p class="cause" key={said}>
          {said}
        </p>
      ))}
      {alarm.lost_rising !== null && (
        <p class="cause rising">⊘ {say("evidence.lost_rising", { grade: say(`grade.${alarm.lost_rising}`) })}</p>
      )}
      {alarm.causes.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>{say("cause.time")}</th>
              <th>{say("cause.point")}</th>
              <th class="right">{say("cause.value")}</th>
              <th>{say("cause.quality")}</th>
            </tr>
          </thead>
          <tbody>
            {alarm.causes.map((cause) => (
              <tr key={`${cause.station}/${cause.point}/${cause.at}`}>
                <td title={moment(cause.at)}>{clock(cause.at)}</td>
                <td>
                  {cause.station_name} / {cause.point}
                </td>
                <td class="right">{measured(cause.value, cause.unit)}</td>
                <td class={cause.flag === "good" ? "" : "doubt"}>
                  {sayCode("flag", cause.flag)}
                  {cause.checks.length > 0 && ` (${cause.checks.join(", ")})`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </li>
  );
}

export function Evidence({ alarms, drawn, draw }: { alarms: Alarm[]; drawn: Alarm | undefined; draw: (key: string) => void }) {
  return (
    <section class="panel">
      <h2>{say("section.alarms")}</h2>
      {alarms.length === 0 && <p class="muted">{say("alarm.none")}</p>}
      <ul class="alarms">
        {alarms.map((alarm) => (
          <Row
            key={`${alarm.rule}|${alarm.subject}`}
            alarm={alarm}
            drawn={alarm === drawn}
            draw={() => draw(`${alarm.rule}|${alarm.subject}`)}
          />
        ))}
      </ul>
    </section>
  );
}
