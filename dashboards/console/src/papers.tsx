// Who was told what, and what came back: each bulletin with the receipts of its notices.

import { moment, took } from "./format";
import { Mark } from "./marks";
import type { Bulletin, Detail, Notice, Reached } from "./wire";
import { language, say, sayCode } from "./words";

function Receipt({ notice }: { notice: Notice }) {
  const receipt = notice.receipt;
  const outcome = receipt?.outcome;
  const sign = outcome === undefined ? "…" : outcome.is === "delivered" ? "✓" : outcome.is === "failing" ? "↻" : "✗";
  const attempts = receipt?.attempts ?? notice.attempts;
  const tried = notice.tried ?? [];
  return (
    <>
      <tr class={outcome?.is ?? "waiting"}>
        <td>{notice.channel}</td>
        <td>
          <b>{sign}</b> {sayCode("outcome", outcome?.is ?? "waiting")}
        </td>
        <td class="muted">
          {outcome?.is === "delivered" && receipt !== null && say("outcome.took", { time: took(receipt.at - notice.issued_at) })}
          {attempts > 1 && ` · ${say("outcome.attempts", { n: attempts })}`}
        </td>
        <td class="muted wrap">{outcome?.reference ?? outcome?.reason ?? ""}</td>
      </tr>
      {tried.length > 1 && (
        <tr>
          <td colSpan={4}>
            <details>
              <summary>{say("tried", { n: attempts })}</summary>
              <ol class="tried">
                {tried.map((attempt) => (
                  <li key={attempt.at}>
                    <time>{moment(attempt.at)}</time> {sayCode("outcome", attempt.outcome.is)}{" "}
                    <span class="muted">{attempt.outcome.reason ?? attempt.outcome.reference ?? ""}</span>
                  </li>
                ))}
              </ol>
            </details>
          </td>
        </tr>
      )}
    </>
  );
}

/** How long it took from hearing the reading until an audience had it. */
function ReachedLine({ audience, reached }: { audience: string; reached: Reached }) {
  const first =
    reached.first_heard_ms === null ? say("told.nobody") : say("told.first", { time: took(reached.first_heard_ms), channel: reached.first_channel ?? "" });
  const worst =
    reached.worst_heard_ms === null || reached.worst_channel === reached.first_channel
      ? []
      : [say("told.worst", { time: took(reached.worst_heard_ms), channel: reached.worst_channel ?? "" })];
  const owed = reached.unconfirmed > 0 ? [say("told.unconfirmed", { n: reached.unconfirmed })] : [];
  return (
    <p class="told">
      <span class={`chip ${audience === "public" ? "out" : "in"}`}>{sayCode("audience", audience)}</span> {[first, ...worst, ...owed].join(" · ")}
    </p>
  );
}

function Paper({ bulletin, notices }: { bulletin: Bulletin; notices: Notice[] }) {
  const wanted = language.value.slice(0, 2);
  const text = bulletin.texts.find((known) => known.language.startsWith(wanted)) ?? bulletin.texts[0];
  return (
    <li class="paper">
      <p class="paper-head">
        <Mark grade={bulletin.grade} size={16} />
        <b>{sayCode("class", bulletin.class)}</b>
        <span class={`chip ${bulletin.audience === "public" ? "out" : "in"}`}>{sayCode("audience", bulletin.audience)}</span>
        {bulletin.status !== "Actual" && <span class="chip test">{bulletin.status === "Test" ? say("bulletin.test") : say("banner.exercise")}</span>}
        <time>{moment(bulletin.sent)}</time>
        <span class="muted">{say("bulletin.expires", { time: moment(bulletin.expires) })}</span>
      </p>
      {text !== undefined && (
        <details>
          <summary>{text.headline}</summary>
          <p>{text.description}</p>
          <p>{text.instruction}</p>
          <p class="muted">
            {bulletin.id}
            {bulletin.note !== null && ` · ${bulletin.note}`}
          </p>
        </details>
      )}
      {notices.length > 0 && (
        <table>
          <tbody>
            {notices.map((notice) => (
              <Receipt key={notice.id} notice={notice} />
            ))}
          </tbody>
        </table>
      )}
    </li>
  );
}

export function Papers({ detail }: { detail: Detail }) {
  const newest = [...detail.bulletins].reverse();
  return (
    <section class="panel">
      <h2>{say("section.bulletins")}</h2>
      {detail.told?.internal && <ReachedLine audience="internal" reached={detail.told.internal} />}
      {detail.told?.public && <ReachedLine audience="public" reached={detail.told.public} />}
      {newest.length === 0 && <p class="muted">{say("bulletin.none")}</p>}
      <ul class="papers">
        {newest.map((bulletin) => (
          <Paper key={bulletin.id} bulletin={bulletin} notices={detail.notices.filter((notice) => notice.bulletin === bulletin.id)} />
        ))}
      </ul>
    </section>
  );
}
